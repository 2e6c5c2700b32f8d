"""The report: everything that was shown, on one page that needs no network and no other file."""

from gar_verify.report.material import Material
from gar_verify.report.page import FILE, html, write

__all__ = ["FILE", "Material", "html", "write"]
