"""Finance uploads statements, watches them being read, and teaches the system other files."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from payments.models import FaultyRow, StatementFile, StatementLine, StatementProfile
from payments.services.import_statement import read_statement
from payments.statements.tables import LIMIT
from payments.tests.statement_files import HEADER, TILL, as_csv, imported, row, rows

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_broker")]
UPLOAD = "admin:payments_statementfile_add"
SAMPLE = "admin:payments_statementprofile_add"
COLUMNS = "admin:payments_statementprofile_columns"
SWAHILI = ("Namba ya muamala", "Tarehe", "Maelezo", "Hali", "Kiasi", "Salio", "Simu", "Namba")
OTHER_FILE = [
    ["TG0001", "13/11/2025 10:00", "Malipo kwa Konektika", "Imekamilika", "2,000", "12,000",
     "0654123456", "KNK1"],
    ["TG0002", "13/11/2025 10:05", "Ada ya malipo", "Imekamilika", "-50", "11,950", "", ""],
    ["TG0003", "13/11/2025 10:06", "Malipo kwa Konektika", "Imeshindikana", "2,000", "11,950",
     "0654123457", "KNK2"],
    ["TG0004", "13/11/2025 10:07", "Malipo kwa Konektika", "Imekamilika", "2,0", "13,950", "", ""],
]  # fmt: skip


@pytest.fixture
def auditor(client: Client) -> User:
    """May read statements and no more."""
    person = User.objects.create_user("auditor@example.test", "x", full_name="A", is_staff=True)
    models = ("statementfile", "statementline", "statementprofile", "faultyrow", "lineversion")
    names = [f"view_{model}" for model in models]
    person.user_permissions.set(Permission.objects.filter(codename__in=names))
    client.force_login(person)
    return person


@pytest.fixture
def finance(auditor: User) -> User:
    auditor.user_permissions.add(Permission.objects.get(codename="import_statement"))
    return auditor


def upload(client: Client, content: bytes, **fields: Any) -> Any:
    file = SimpleUploadedFile("november.csv", content)
    usual = {"provider": "vodacom_mpesa", "account": TILL, "content": file}
    return client.post(reverse(UPLOAD), {**usual, **fields}, follow=True)


def page(client: Client, file: StatementFile) -> Any:
    return client.get(reverse("admin:payments_statementfile_change", args=[file.pk]))


def test_an_upload_is_taken_and_its_page_looks_again_until_it_is_read(
    client: Client, finance: User
) -> None:
    answer = upload(client, as_csv([*rows(1, 3), row(5)]))
    file = StatementFile.objects.get()
    assert "Waiting to be read" in answer.content.decode()
    assert page(client, file).headers["Refresh"] == "2"
    assert (file.uploaded_by, file.name) == (finance, "november.csv")
    assert LogEntry.objects.get().get_change_message()
    read_statement(file_id=file.pk)
    answer = page(client, file)
    told = " ".join(answer.content.decode().split())
    assert "Refresh" not in answer.headers
    assert "4 lines" in told
    assert "does not follow in 1 line<" in told
    assert "Open case: A row is missing on the statement" in told


def test_the_same_file_again_adds_nothing_and_says_so(client: Client, finance: User) -> None:
    upload(client, as_csv(rows(1, 3)))
    answer = upload(client, as_csv(rows(1, 3)))
    assert "Nothing was added." in answer.content.decode()
    assert StatementFile.objects.count() == 1


def test_what_is_wrong_is_told_on_the_page(client: Client, finance: User) -> None:
    upload(client, b"%PDF-1.7")
    file = StatementFile.objects.get()
    read_statement(file_id=file.pk)
    assert "The file is a PDF" in page(client, file).content.decode()
    assert "The submitted file is empty" in upload(client, b"").content.decode()


def test_far_too_large_a_file_is_refused_before_it_is_read(client: Client, finance: User) -> None:
    answer = client.generic(
        "POST",
        reverse(UPLOAD),
        b"never read",
        content_type="multipart/form-data; boundary=x",
        CONTENT_LENGTH=str(LIMIT + 200_000_000),
    )
    assert answer.status_code == 413
    assert "at most 300 MB are read" in answer.content.decode()
    assert vars(answer.wsgi_request)["_read_started"] is False


def test_an_upload_is_protected_against_forged_requests(finance: User) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(finance)
    assert upload(strict, as_csv(rows(1, 3))).status_code == 403
    assert not StatementFile.objects.exists()


def test_a_file_is_downloaded_by_those_who_import_and_recorded(
    client: Client, finance: User
) -> None:
    content = as_csv(rows(1, 3))
    file = imported(content)
    answer = client.get(reverse("admin:payments_statementfile_download", args=[file.pk]))
    assert b"".join(answer.streaming_content) == content  # type: ignore[attr-defined]
    assert answer.headers["Content-Disposition"] == 'attachment; filename="statement.csv"'
    assert LogEntry.objects.get().get_change_message() == "Downloaded"


def test_a_file_that_the_storage_has_lost_is_told_and_not_recorded(
    client: Client, finance: User
) -> None:
    file = imported(as_csv(rows(1, 3)))
    default_storage.delete(file.content.name)
    path = reverse("admin:payments_statementfile_download", args=[file.pk])
    answer = client.get(path, follow=True)
    assert "not in the storage any more" in answer.content.decode()
    assert not LogEntry.objects.exists()


@pytest.mark.parametrize("name", [UPLOAD, SAMPLE, COLUMNS])
def test_an_auditor_imports_nothing(client: Client, auditor: User, name: str) -> None:
    assert client.get(reverse(name)).status_code == 403
    assert client.post(reverse(name)).status_code == 403


@pytest.mark.parametrize("verb", ["download", "read_again"])
def test_an_auditor_sees_a_file_and_does_nothing_with_it(
    client: Client, auditor: User, verb: str
) -> None:
    file = imported(as_csv(rows(1, 3)))
    assert page(client, file).status_code == 200
    path = reverse(f"admin:payments_statementfile_{verb}", args=[file.pk])
    assert client.get(path).status_code == 403
    assert client.post(path, {"why": "x", "key": "k"}).status_code == 403


def test_a_refused_file_is_read_again_as_staff_say(client: Client, finance: User) -> None:
    file = imported(as_csv([row(1, **{"Completion Time": "03-11-2025 12:00:00"})]))
    path = reverse("admin:payments_statementfile_read_again", args=[file.pk])
    client.post(path, {"dates": "%d-%m-%Y", "why": "the portal writes so", "key": "k"})
    read_statement(file_id=file.pk)
    file.refresh_from_db()
    assert (file.state, file.rows_new) == ("read", 1)
    assert "the portal writes so" in LogEntry.objects.get().get_change_message()


@pytest.mark.parametrize(
    "term", ["bk00000002", "KNK2", "0754000002", "+255754000002", "255 754 000 002"]
)
def test_a_line_is_found_by_what_people_read_out(client: Client, auditor: User, term: str) -> None:
    imported(as_csv(rows(1, 3)))
    answer = client.get(reverse("admin:payments_statementline_changelist"), {"q": term})
    assert [line.receipt for line in answer.context["cl"].result_list] == ["BK00000002"]


def test_phones_are_masked_wherever_a_line_is_shown(client: Client, auditor: User) -> None:
    told = {"A/C No.": "0754000002", "Details": "Pay Bill from 255754000001 Acc. 0754000002"}
    imported(as_csv([row(1, **told), row(2, **{"Paid In": "0754000003"}), row(3)[:12]]))
    imported(as_csv([row(1, **told, **{"Transaction Status": "Reversed"})]))
    lines, faults = "/admin/payments/statementline/", "/admin/payments/faultyrow/"
    line, fault = StatementLine.objects.get(receipt="BK00000001"), FaultyRow.objects.get()
    for path in (lines, f"{lines}{line.pk}/change/", faults, f"{faults}{fault.pk}/change/"):
        shown = client.get(path).content.decode()
        assert "754***00" in shown, path
        assert "75400000" not in shown, path


def test_a_lines_page_tells_how_it_was_before(client: Client, auditor: User) -> None:
    imported(as_csv(rows(1, 3)))
    imported(as_csv([row(2, **{"Transaction Status": "Reversed"})]))
    line = StatementLine.objects.get(receipt="BK00000002")
    answer = client.get(reverse("admin:payments_statementline_change", args=[line.pk]))
    assert "Completed" in answer.content.decode()
    assert "Reversed" in answer.content.decode()


@pytest.mark.parametrize("model", ["statementfile", "statementline", "faultyrow"])
def test_a_list_asks_the_same_whatever_its_length(
    client: Client, auditor: User, model: str, django_assert_num_queries: Any
) -> None:
    path = reverse(f"admin:payments_{model}_changelist")
    imported(as_csv([row(1), row(2, **{"Paid In": "1.5"})]))
    client.get(path)
    with CaptureQueriesContext(connection) as asked:
        client.get(path)
    for number in range(10, 30, 2):
        imported(as_csv([row(number), row(number + 1, **{"Paid In": "1.5"})]))
    with django_assert_num_queries(len(asked)):
        client.get(path)


def wizard(client: Client, content: bytes, name: str = "Tigo portal") -> Any:
    file = SimpleUploadedFile("sample.csv", content)
    fields = {"name": name, "provider": "tigo_pesa", "content": file}
    return client.post(reverse(SAMPLE), fields, follow=True)


def a_sample() -> bytes:
    return as_csv(OTHER_FILE, header=SWAHILI, preamble=[("Taarifa ya miamala",), ()], delimiter=";")


def test_columns_are_guessed_in_swahili(client: Client, finance: User) -> None:
    answer = wizard(client, a_sample())
    assert answer.context["line"] == 3
    assert answer.context["form"].initial == {
        "receipt": "Namba ya muamala",
        "completed_at": "Tarehe",
        "status": "Hali",
        "amount": "Kiasi",
        "balance": "Salio",
        "details": "Maelezo",
        "msisdn": "Simu",
    }


def test_a_profile_is_tried_saved_and_read_by(client: Client, finance: User) -> None:
    guessed = wizard(client, a_sample()).context["form"].initial
    chosen = {**guessed, "reference": "Namba"}
    answer = client.post(reverse(COLUMNS), {**chosen, "try": ""})
    told = " ".join(answer.content.decode().split())
    assert "3 lines, of which 1 moved no money; 1 faulty rows." in told
    assert "<td>Collection</td><td>1</td><td>2,000</td>" in told
    assert "<td>Fee</td><td>1</td><td>-50</td>" in told
    assert "it follows in 1 lines and breaks in 0" in told
    assert "“2,0” is no amount" in told
    assert "<td>13.11.2025 10:00:00</td>" in told
    assert not StatementLine.objects.exists()
    assert not StatementProfile.objects.filter(provider="tigo_pesa").exists()

    client.post(reverse(COLUMNS), {**chosen, "save": ""})
    profile = StatementProfile.objects.get(provider="tigo_pesa")
    assert (profile.name, profile.version, profile.created_by) == ("Tigo portal", 1, finance)
    file = imported(a_sample(), provider="tigo_pesa", account="KNK")
    assert (file.state, file.profile, file.rows_new, file.rows_faulty) == ("read", profile, 3, 1)
    assert StatementLine.objects.get(receipt="TG0001").msisdn == "+255654123456"
    assert FaultyRow.objects.get().row == 7

    wizard(client, a_sample())
    client.post(reverse(COLUMNS), {**guessed, "save": ""})
    assert StatementProfile.objects.filter(provider="tigo_pesa").count() == 2
    file.refresh_from_db()
    assert file.profile == profile


def test_a_mapping_without_an_amount_is_not_tried(client: Client, finance: User) -> None:
    guessed = wizard(client, a_sample()).context["form"].initial
    answer = client.post(reverse(COLUMNS), {**guessed, "amount": "", "save": ""})
    assert "Choose at least the receipt" in answer.content.decode()
    assert not StatementProfile.objects.filter(provider="tigo_pesa").exists()


def test_the_header_may_be_another_line(client: Client, finance: User) -> None:
    wizard(client, a_sample())
    answer = client.get(reverse(COLUMNS), {"header": "4"})
    assert "TG0001" in answer.content.decode()


def test_a_sample_that_is_no_statement_is_told_at_once(client: Client, finance: User) -> None:
    assert "The file is a PDF" in wizard(client, b"%PDF-1.4").content.decode()
    wide = as_csv([], header=[*HEADER, *[f"c{place}" for place in range(10_000)]])
    assert "Line 5 has 10,013 columns" in wizard(client, wide).content.decode()


def test_without_a_sample_there_are_no_columns(client: Client, finance: User) -> None:
    assert client.get(reverse(COLUMNS)).headers["Location"] == reverse(SAMPLE)


def test_empty_lists_say_so(client: Client, finance: User) -> None:
    for model in ("statementfile", "statementline", "faultyrow"):
        answer = client.get(reverse(f"admin:payments_{model}_changelist"))
        assert answer.status_code == 200
