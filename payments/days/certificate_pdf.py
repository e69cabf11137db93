"""A day's certificate as PDF. Whoever imports this waits for Pillow and fontTools: only its door does."""

from __future__ import annotations

from common.paper import Paper
from payments.days.certificates import balances, differences, facts, hashes, tallies, total
from payments.days.figures import Figures
from payments.models import Certificate

TITLE = "Certificate of a closed day"
SHOWN = 200  # differences; the CSV has them all


def pdf_of(certificate: Certificate) -> bytes:
    """One page or more of A4, in the fonts that every reader has."""
    figures = Figures.kept(certificate.figures)
    paper = Paper(TITLE)
    paper.heading(TITLE)
    paper.rows(facts(certificate), widths=(40, 150))
    paper.heading("Balances, TZS")
    paper.rows(balances(figures), widths=(110, 40, 40), head=("", "Opening", "Closing"))
    for title, rows in tallies(figures).items():
        paper.heading(title)
        paper.rows(rows, widths=(110, 40, 40), head=("", "Lines", "TZS"))
    paper.heading("Why the statement and the ledger differ")
    listed = differences(figures)
    paper.rows(
        [
            *listed[:SHOWN],
            ("Listed in all", f"{len(listed):,} differences", "", f"{total(figures):,}"),
            ("Unexplained", "", "", f"{figures.unexplained:,}"),
            ("Lines whose balance does not follow", "", "", f"{figures.breaks:,}"),
        ],
        widths=(55, 65, 42, 28),
        head=("Difference", "What", "Open case", "TZS"),
    )
    paper.heading("SHA-256")
    paper.rows(hashes(certificate), widths=(40, 150))
    return bytes(paper.output())
