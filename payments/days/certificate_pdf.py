"""A day's certificate as PDF. Whoever imports this waits for Pillow and fontTools: only its door does."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from fpdf import FPDF

from payments.days.certificates import Row, balances, differences, facts, hashes, tallies, total
from payments.days.figures import Figures
from payments.models import Certificate

SHOWN = 200  # differences; the CSV has them all
WIDE = 190  # mm
LINE = 5.5


def pdf_of(certificate: Certificate) -> bytes:
    """One page or more of A4, in the fonts that every reader has."""
    figures = Figures.kept(certificate.figures)
    paper = _Paper()
    paper.heading("Certificate of a closed day")
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


class _Paper(FPDF):
    def __init__(self) -> None:
        super().__init__(format="A4")
        self.set_title("Certificate of a closed day")
        self.set_margins(10, 12)
        self.set_auto_page_break(True, margin=15)
        self.add_page()

    def footer(self) -> None:
        self.set_y(-12)
        self.set_font("helvetica", size=7)
        self.cell(WIDE, 4, f"Page {self.page_no()}", align="R")

    def heading(self, text: str) -> None:
        is_first = self.page_no() == 1 and self.get_y() < 15
        self.ln(0 if is_first else 4)
        self.set_font("helvetica", "B", 15 if is_first else 11)
        self.cell(WIDE, 8, latin(text), new_x="LMARGIN", new_y="NEXT")

    def rows(self, rows: Iterable[Row], *, widths: tuple[int, ...], head: Row = ()) -> None:
        self.set_font("helvetica", size=8)
        told = list(rows) or [("none", *[""] * (len(widths) - 1))]
        align = ("LEFT", "LEFT") if not head else ("LEFT", *["RIGHT"] * (len(widths) - 1))
        if len(widths) == 4:
            align = ("LEFT", "LEFT", "LEFT", "RIGHT")
        with self.table(
            col_widths=widths,
            text_align=align,
            line_height=LINE,
            first_row_as_headings=bool(head),
            borders_layout="HORIZONTAL_LINES",
            width=WIDE,
        ) as drawn:
            for row in [head, *told] if head else told:
                drawn.row([latin(cell) for cell in row])


def latin(text: str) -> str:
    """The text in the letters that PDF's own fonts have: an accent goes, or the letter is a `?`."""
    return "".join(_latin(letter) for letter in text)


def _latin(letter: str) -> str:
    bare = unicodedata.normalize("NFKD", letter)[:1]
    for each in (letter, bare):
        if each.isascii() or "\xa0" <= each <= "\xff":
            return each
    return "?"
