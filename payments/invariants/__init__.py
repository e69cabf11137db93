"""What must hold of payments alone, whatever was bought."""

from payments.invariants import books, days, money_in, money_out, statements, waiting

INVARIANTS = (
    *money_in.INVARIANTS,
    *money_out.INVARIANTS,
    *books.INVARIANTS,
    *waiting.INVARIANTS,
    *days.INVARIANTS,
    *statements.INVARIANTS,
)
