"""Why a verb of staff was refused."""

from __future__ import annotations

from common.errors import DomainError


class CaseTaken(DomainError):
    code = "case_taken"
    status = 409


class CaseClosed(DomainError):
    code = "case_closed"
    status = 409


class NeedsSecondPerson(DomainError):
    code = "needs_second_person"
    status = 409


class NothingProposed(DomainError):
    code = "nothing_proposed"
    status = 409


class OwnProposal(DomainError):
    code = "own_proposal"
    status = 403


class NotAWorker(DomainError):
    code = "not_a_worker"


class NoteTooLong(DomainError):
    code = "note_too_long"


class NotLater(DomainError):
    code = "not_later"


class TooMany(DomainError):
    code = "too_many"
