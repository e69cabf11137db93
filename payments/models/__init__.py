"""Money: what was asked of whom, what was heard, what was sent, and the ledger. Never what was bought."""

from payments.models.bills import Bill as Bill
from payments.models.ledger import Entry as Entry
from payments.models.ledger import Posting as Posting
from payments.models.limits import IdempotentRequest as IdempotentRequest
from payments.models.limits import PhoneLock as PhoneLock
from payments.models.limits import PromptLimits as PromptLimits
from payments.models.names import ProviderName as ProviderName
from payments.models.names import new_callback_token as new_callback_token
from payments.models.names import new_payment_id as new_payment_id
from payments.models.names import new_reference as new_reference
from payments.models.payments import Disposition as Disposition
from payments.models.payments import MobileMoneyTransaction as MobileMoneyTransaction
from payments.models.payments import Payment as Payment
from payments.models.payments import PaymentEvent as PaymentEvent
from payments.models.payments import default_expiry as default_expiry
from payments.models.transfers import UNANSWERED as UNANSWERED
from payments.models.transfers import Transfer as Transfer
from payments.models.transfers import TransferEvent as TransferEvent
from payments.models.transfers import TransferRules as TransferRules
from payments.models.wire import ProviderCall as ProviderCall
from payments.models.wire import WebhookDelivery as WebhookDelivery
