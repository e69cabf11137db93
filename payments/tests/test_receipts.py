"""A receipt number is read out of what customers type and paste, where it is certain."""

from __future__ import annotations

import pytest

from payments.errors import ReceiptNotRead
from payments.receipts import read_receipt


@pytest.mark.parametrize(
    ("text", "receipt"),
    [
        ("SG632NMUAB", "SG632NMUAB"),
        (" sg632nmuab\n", "sg632nmuab"),
        ("\u200eSG632NMUAB", "SG632NMUAB"),
        ("MP250101.1234.A56789", "MP250101.1234.A56789"),
        ("26600000000006", "26600000000006"),
        (
            "SG632NMUAB Imethibitishwa. Umelipa TSh1,000.00 kwa KONEKTIKA 600100 tarehe 26/11/26 "
            "saa 1:13. Salio lako ni TSh5,430.00",
            "SG632NMUAB",
        ),
        (
            "SG632NMUAB Confirmed. TZS 1,000.00 paid to KONEKTIKA for account 0754123456",
            "SG632NMUAB",
        ),
        (
            "Umelipa Tsh 1,000 kwa KONEKTIKA. TID: MP250101.1234.A56789. Salio",
            "MP250101.1234.A56789",
        ),
        (
            "Malipo yamekamilika kwenda KONEKTIKA, Kiasi Tsh1,000. Ada Tsh 60. VAT TSh 9. "
            "Kumbukumbu no.26394529507543. 21/11/26 16:25.",
            "26394529507543",
        ),
        ("Malipo TSh 1,000. Muamala: 26885574977044.27/11/26 07:51", "26885574977044"),
        (
            "Umelipa Tsh 1,000. Kumbukumbu No. MFSD202611261338f0ed3. Salio Tsh 9,000.",
            "MFSD202611261338f0ed3",
        ),
        ("MP250101.1234.A56789 Umelipa Tsh 1,000 kwa KONEKTIKA", "MP250101.1234.A56789"),
        ("Risiti yangu ni SG632NMUAB, naomba msaada", "SG632NMUAB"),
    ],
)
def test_the_number_is_read(text: str, receipt: str) -> None:
    assert read_receipt(text) == receipt


@pytest.mark.parametrize(
    "text",
    [
        "hello",
        "Konektika",
        "0754123456",
        "255754123456",
        "+255 754 123 456",
        "I paid 1000 yesterday at 10:15",
        "Kumbukumbu no: 12345674, Muamala: 26885574977044",
        "TID: SG632NMUAB and TID: SG632NMUAC",
        "A1",
        "X" * 41 + "1",
        "SG63'; --2NM",
    ],
)
def test_what_is_no_number_or_more_than_one_is_refused(text: str) -> None:
    with pytest.raises(ReceiptNotRead):
        read_receipt(text)
