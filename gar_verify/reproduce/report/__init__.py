"""The report: everything that was shown, on one page that needs no network and no other file."""

from gar_verify.reproduce.report.page import FILE, Material, html, write

__all__ = ["FILE", "Material", "html", "write"]
