"""The report: everything that was shown, on one page that needs no network and no other file."""

from gar_verify.reproduce.report.material import Material
from gar_verify.reproduce.report.page import FILE, html, write

__all__ = ["FILE", "Material", "html", "write"]
