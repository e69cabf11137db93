"""Reads of the catalogue, purchases and subscriptions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import BigIntegerField, Count, Exists, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast, Substr
from django.utils import timezone

from accounts.models import User
from bundles.errors import GiftNotFound, PaymentNotFound, SubscriptionNotFound
from bundles.gift_tokens import hash_of
from bundles.models import Bundle, CatalogueVersion, Gift, Purchase, Seat, Subscription
from bundles.pay_reference import is_pay_reference
from common import phone as phones
from common.prepared import Prepared
from payments.bills import Payable
from payments.models import Disposition, MobileMoneyTransaction, Payment
from payments.selectors import payment_under_way, unanswered_attempts

NAMED_MAX = 20
SUBJECT = "purchase:"  # before the purchase's key
VERSION = Prepared(CatalogueVersion.objects.all)
PAYMENT = Prepared(
    lambda payer, name: shown_of(Payment.objects.filter(payer_id=payer, public_id=name))
)
PAYMENT_OF_REFERENCE = Prepared(
    lambda payer, name: shown_of(Payment.objects.filter(payer_id=payer, attempts__reference=name))
)
POLLED = Prepared(
    lambda digest, name: shown_of(
        Payment.objects.filter(payer__auth_token_set=digest, payer__is_active=True, public_id=name)
    ).annotate(token_expiry=F("payer__auth_token_set__expiry"))
)


def catalogue_version() -> str:
    """Another one after each change of what customers may buy; "" while nothing was ever noted.

    Whatever is read after it is as new as it, or newer.
    """
    noted = VERSION.first()
    return noted.version if noted else ""


def bundles_on_sale() -> QuerySet[Bundle]:
    """What customers may buy now, cheapest first."""
    return Bundle.objects.filter(is_active=True).select_related("owner")


def bundles_matching(text: str) -> QuerySet[Bundle]:
    """Bundles on sale whose name or description contains the text."""
    return bundles_on_sale().filter(Q(name__icontains=text) | Q(description__icontains=text))


def sold_out(bundle_ids: Iterable[int], *, for_customer: int | None) -> set[int]:
    """Which of these bundles have no place left. Whoever has one in a bundle keeps it."""
    is_held = Q(seats__held_until=None) | Q(seats__held_until__gte=timezone.now())
    is_taken = Q(seats__isnull=False) & is_held
    own = Seat.objects.filter(customer=for_customer).values("bundle")
    counted = Bundle.objects.filter(pk__in=list(bundle_ids)).exclude(pk__in=own)
    full = counted.annotate(taken=Count("seats", filter=is_taken)).filter(
        taken__gte=F("max_clients")
    )
    return set(full.values_list("pk", flat=True))


def sellers_named(text: str) -> list[User]:
    """Owners of bundles whose name or e-mail address begins so, by name; `NAMED_MAX` of them.

    Each is found by an index of its own.
    """
    sellers = User.objects.filter(Exists(Bundle.objects.filter(owner=OuterRef("pk"))))
    found = {
        seller.pk: seller
        for begins in ({"full_name__istartswith": text}, {"email__istartswith": text})
        for seller in sellers.filter(**begins).order_by("full_name", "pk")[:NAMED_MAX]
    }
    return sorted(found.values(), key=str)[:NAMED_MAX]


def subscriptions_of(customer_id: int) -> QuerySet[Subscription]:
    """A customer's subscriptions, the latest first."""
    return (
        Subscription.objects.filter(customer_id=customer_id)
        .select_related("bundle", "renewal")
        .order_by("-id")
    )


def own_subscription(*, user_id: int, subscription_id: int) -> Subscription:
    """A person's subscription. Raises SubscriptionNotFound, also for somebody else's."""
    subscription = subscriptions_of(user_id).filter(pk=subscription_id).first()
    if subscription is None:
        raise SubscriptionNotFound("There is no such subscription.")
    return subscription


def active_subscription(*, customer_id: int, bundle_id: int) -> Subscription | None:
    """The subscription that a customer may use now, if there is one."""
    return Subscription.objects.filter(
        customer_id=customer_id, live_bundle=bundle_id, ends_at__gt=timezone.now()
    ).first()


def is_being_paid(*, customer_id: int, bundle_id: int) -> bool:
    """Whether money for this bundle is under way, or may be: asked for, unanswered, or not served."""
    own = Purchase.objects.filter(customer_id=customer_id, open_bundle=bundle_id, gift_phone="")
    purchase = own.first()
    if purchase is None:
        return False
    return (
        payment_under_way(purchase.subject) is not None
        or unanswered_attempts(purchase.subject).exists()
    )


def paid_by(purchase: Purchase) -> Payment:
    """The payment that a served purchase was fulfilled by."""
    return Payment.objects.get(subject=purchase.subject, disposition=Disposition.FULFILLED)


def purchases_of(payments: Iterable[Payment]) -> dict[str, Purchase]:
    """The purchases that payments are for, by subject. Money that became credit at once has none."""
    keys = {Purchase.id_from(payment.subject) for payment in payments if payment.subject}
    found = Purchase.objects.select_related("bundle").in_bulk(keys)
    return {purchase.subject: purchase for purchase in found.values()}


def shown_of(payments: QuerySet[Payment]) -> QuerySet[Payment]:
    """Payments with what the app shows besides, where there is any: the `reference`, `phone` and
    `receipt` of the attempt; the `bundle_id`, `bundle_name`, `withdrawn_at`, `gift_phone` and
    `gift_state` of what it is for.
    """
    attempt = MobileMoneyTransaction.objects.filter(payment=OuterRef("pk")).order_by("-pk")
    purchase = Purchase.objects.filter(pk=purchase_of(OuterRef("subject")))
    return payments.annotate(
        reference=Subquery(attempt.values("reference")[:1]),
        phone=Subquery(attempt.values("customer_phone")[:1]),
        receipt=Subquery(attempt.values("provider_transaction_id")[:1]),
        bundle_id=Subquery(purchase.values("bundle_id")),
        bundle_name=Subquery(purchase.values("bundle__name")),
        withdrawn_at=Subquery(purchase.values("activation__withdrawn_at")),
        gift_phone=Subquery(purchase.values("gift_phone")),
        gift_state=Subquery(purchase.values("gift__state")),
    )


def purchase_of(subject: str | Combinable) -> Cast:
    """The purchase's key in a payment's subject; by it the database finds its rows by an index."""
    return Cast(Substr(subject, len(SUBJECT) + 1), BigIntegerField())


def own_payment(*, user_id: int, name: str) -> Payment:
    """A person's payment by its id or by its attempt's reference, with what `shown_of` adds.

    Raises PaymentNotFound.
    """
    payment = PAYMENT.first(user_id, name) or PAYMENT_OF_REFERENCE.first(user_id, name)
    if payment is None:
        raise PaymentNotFound("There is no such payment.")
    return payment


def polled_payment(*, digest: str, name: str) -> Payment | None:
    """The payment of this id, with what `shown_of` adds, if it is of whoever's token has this digest
    and the token is good now: one query for what is asked every few seconds.
    """
    payment: Any = POLLED.first(digest, name)
    is_good = payment is not None and payment.token_expiry > timezone.now()
    return payment if is_good else None


def gifts_of(person: User) -> QuerySet[Gift]:
    """What a person has given, and what was given to their proved phone or by a link; the latest first."""
    theirs = Q(giver=person) | Q(claimed_by=person)
    if person.phone and person.is_phone_verified:
        theirs |= Q(phone=person.phone)
    return Gift.objects.filter(theirs).select_related("giver", "bundle").order_by("-id")


def gift_from(giver: User, gift_id: int) -> Gift:
    """Somebody's own gift. Raises GiftNotFound."""
    return _found(Gift.objects.filter(giver=giver, pk=gift_id))


def gift_to(person: User, gift_id: int) -> Gift:
    """A gift to a person's proved phone, or that they have claimed. Raises GiftNotFound."""
    return _found(gifts_of(person).exclude(giver=person).filter(pk=gift_id))


def gift_behind(token: str) -> Gift:
    """The gift of the link that its SMS holds. Raises GiftNotFound."""
    return _found(Gift.objects.filter(token_hash=hash_of(token)))


def _found(gifts: QuerySet[Gift]) -> Gift:
    gift = gifts.select_related("giver", "bundle", "purchase").first()
    if gift is None:
        raise GiftNotFound("There is no such gift.")
    return gift


def payable_of_purchase(reference: str) -> Payable | None:
    """The purchase that a customer has a reference to pay by, typed with or without blanks."""
    digits = phones.without_punctuation(reference)
    if not is_pay_reference(digits):
        return None
    purchase = Purchase.objects.select_related("customer").filter(pay_reference=digits).first()
    if purchase is None:
        return None
    return Payable(
        payer_id=purchase.customer_id,
        name=purchase.customer.short_name,
        subject=purchase.subject,
        amount=purchase.price,
    )


def payable_of_phone(reference: str) -> Payable | None:
    """The customer whose own number it is, in any usual form: the money becomes credit."""
    try:
        phone = phones.parse(reference)
    except phones.InvalidPhoneNumber:
        return None
    customer = User.objects.filter(phone=phone, is_active=True).first()
    return Payable(payer_id=customer.pk, name=customer.short_name) if customer else None
