"""The providers of payments' tests, and the real hooks."""

from payments.tests.conftest import providers as providers
from payments.tests.conftest import wire as wire
