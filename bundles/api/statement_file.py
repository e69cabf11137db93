"""An owner's statement as a file, for whichever door it is asked at."""

from __future__ import annotations

from django.http import HttpResponse

from accounts.models import User
from bundles.owner_statement import Statement, header
from common.exports import csv_pages
from common.rest import attachment


def statement_file(statement: Statement, *, owner: User, form: str) -> HttpResponse:
    """CSV, or `form` "pdf"."""
    name = f"statement-{statement.first}-{statement.last}"
    if form == "pdf":
        from bundles.owner_statement_pdf import pdf_of  # waits for Pillow and fontTools

        pdf = pdf_of(statement, owner.full_name)
        return attachment(pdf, kind="application/pdf", name=f"{name}.pdf")
    text = "".join(csv_pages([header(), *statement.rows]))
    return attachment(text, kind="text/csv; charset=utf-8", name=f"{name}.csv")
