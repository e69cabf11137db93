"""Every text, by id, in Swahili and English; short enough for one SMS in its usual filling."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from string import Formatter
from typing import Any

from notifications.segments import normalised


class Kind(StrEnum):
    """What a text is for, which decides how long it is worth sending and what a doubt means."""

    CODE = "code"  # whoever did not get it asks for another
    RECEIPT = "receipt"  # names its receipt: whoever gets it twice sees that it is the same
    NOTICE = "notice"
    REMINDER = "reminder"  # nobody's money hangs on it: not for who wants no messages


# Others are of the kind that what they name makes them.
REMINDERS = frozenset({"data_used", "data_used_up", "ends_soon", "never_connected"})

TEXTS: dict[str, dict[str, str]] = {
    "payment_received": {
        "sw": "Konektika: Tumepokea TZS {amount:,} kwa {bundle}. Risiti {receipt}. Asante.",
        "en": "Konektika: We have received TZS {amount:,} for {bundle}. Receipt {receipt}. "
        "Thank you.",
    },
    "payment_received_gift": {
        "sw": "Konektika: Tumepokea TZS {amount:,} kwa zawadi yako ya {bundle}. Risiti {receipt}. "
        "Tumemtumia mpokeaji SMS.",
        "en": "Konektika: We have received TZS {amount:,} for your gift of {bundle}. "
        "Receipt {receipt}. We have told the receiver by SMS.",
    },
    "gift_bought": {
        "sw": "Konektika: {giver} amekununulia {bundle}. Ichukue kabla ya {until}: {link}",
        "en": "Konektika: {giver} has bought {bundle} for you. Claim it before {until}: {link}",
    },
    "gift_data": {
        "sw": "Konektika: {giver} amekupa {data} za {bundle}. Zichukue kabla ya {until}: {link}",
        "en": "Konektika: {giver} gives you {data} of {bundle}. Claim them before {until}: {link}",
    },
    "gift_claimed": {
        "sw": "Konektika: Zawadi yako ya {bundle} imechukuliwa. Asante.",
        "en": "Konektika: Your gift of {bundle} was claimed. Thank you.",
    },
    "gift_data_claimed": {
        "sw": "Konektika: {data} za {bundle} ulizotoa zimechukuliwa. Asante.",
        "en": "Konektika: The {data} of {bundle} that you gave were claimed. Thank you.",
    },
    "gift_returned": {
        "sw": "Konektika: Zawadi yako ya {bundle} haikuchukuliwa na imerudi: TZS {amount:,} "
        "ziko kwenye akaunti yako.",
        "en": "Konektika: Your gift of {bundle} was not claimed and has come back: TZS {amount:,} "
        "are your credit.",
    },
    "gift_data_returned": {
        "sw": "Konektika: {data} za {bundle} ulizotoa hazikuchukuliwa. Zimerudi kwako.",
        "en": "Konektika: The {data} of {bundle} that you gave were not claimed. They are yours "
        "again.",
    },
    "gift_data_gone": {
        "sw": "Konektika: {data} za {bundle} ulizotoa hazikuchukuliwa. Kifurushi kimeisha, nazo "
        "zimeisha.",
        "en": "Konektika: The {data} of {bundle} that you gave were not claimed, and ended with "
        "your bundle.",
    },
    "vpn_ready": {
        "sw": "Konektika: VPN yako ya {bundle} iko tayari hadi {until}. Pata usanidi: {link}",
        "en": "Konektika: Your VPN for {bundle} is ready until {until}. Get it here: {link}",
    },
    "data_used": {
        "sw": "Konektika: Umetumia {percent}% ya data ya {bundle}. Zimebaki {left}.",
        "en": "Konektika: You have used {percent}% of your data of {bundle}. {left} are left.",
    },
    "data_used_up": {
        "sw": "Konektika: Data yako ya {bundle} imeisha. Nunua tena uendelee na usanidi uleule.",
        "en": "Konektika: Your data of {bundle} is used up. Buy it again to go on with the same "
        "configuration.",
    },
    "ends_soon": {
        "sw": "Konektika: {bundle} yako inaisha {until}. Nunua tena uendelee bila kukatika.",
        "en": "Konektika: Your {bundle} ends on {until}. Buy it again to go on without a break.",
    },
    "credit_paid": {
        "sw": "Konektika: TZS {amount:,} za salio lako zimelipia {bundle}. Asante.",
        "en": "Konektika: TZS {amount:,} of your credit have paid for {bundle}. Thank you.",
    },
    "credit_paid_gift": {
        "sw": "Konektika: TZS {amount:,} za salio lako zimelipia zawadi yako ya {bundle}. "
        "Tumemtumia mpokeaji SMS.",
        "en": "Konektika: TZS {amount:,} of your credit have paid for your gift of {bundle}. "
        "We have told the receiver by SMS.",
    },
    "renewal_short": {
        "sw": "Konektika: Salio lako halitoshi kununua tena {bundle}: zimepungua "
        "TZS {missing:,}. Tutajaribu tena hadi {until}.",
        "en": "Konektika: Your credit does not buy {bundle} again: TZS {missing:,} are missing. "
        "We go on trying until {until}.",
    },
    "renewal_dearer": {
        "sw": "Konektika: Bei ya {bundle} sasa ni TZS {amount:,}, kwa hiyo hatujainunua tena kwa "
        "salio lako. Ukiitaka kwa bei hiyo, inunue mwenyewe.",
        "en": "Konektika: {bundle} costs TZS {amount:,} now, so we have not bought it again from "
        "your credit. If you want it at that price, buy it yourself.",
    },
    "renewal_not_sold": {
        "sw": "Konektika: {bundle} haiuzwi tena kwa sasa, kwa hiyo hatutainunua tena kwa salio "
        "lako. Yako inaisha {until}.",
        "en": "Konektika: {bundle} is not sold at the moment, so we do not buy it again from your "
        "credit. Yours ends on {until}.",
    },
    "never_connected": {
        "sw": "Konektika: Umelipia {bundle}, lakini bado hujaunganisha. Fungua programu yetu au "
        "kiungo tulichokutumia.",
        "en": "Konektika: You have paid for {bundle} and have not connected yet. Open our app or "
        "the link that we sent you.",
    },
    "vpn_moved": {
        "sw": "Konektika: VPN yako ya {bundle} imehamia seva nyingine. Pata usanidi mpya: {link}",
        "en": "Konektika: Your VPN for {bundle} has moved to another server. "
        "Get your new file here: {link}",
    },
    "vpn_rotated": {
        "sw": "Konektika: Funguo za VPN yako ya {bundle} zimebadilishwa. Pata usanidi mpya: {link}",
        "en": "Konektika: The keys of your VPN for {bundle} were changed. "
        "Get your new file here: {link}",
    },
    "payment_failed": {
        "sw": "Konektika: Malipo hayakukamilika: {reason}. Hakuna pesa iliyotozwa nasi.",
        "en": "Konektika: Your payment failed: {reason}. We have not received any money.",
    },
    "payment_late_credit": {
        "sw": "Konektika: TZS {amount:,} zimefika, lakini kifurushi hakipatikani tena. "
        "Zimehifadhiwa kwenye akaunti yako; tutawasiliana nawe.",
        "en": "Konektika: TZS {amount:,} arrived, but can no longer buy the bundle. "
        "They are kept as your credit; we will contact you.",
    },
    "payment_underpaid": {
        "sw": "Konektika: Tumepokea TZS {amount:,}, zimepungua TZS {missing:,}. "
        "Zimehifadhiwa kwenye akaunti yako; tutawasiliana nawe.",
        "en": "Konektika: We have received TZS {amount:,}, TZS {missing:,} are missing. "
        "They are kept as your credit; we will contact you.",
    },
    "refund_sent": {
        "sw": "Konektika: Tumekurudishia TZS {amount:,}. Risiti {receipt}.",
        "en": "Konektika: We have sent TZS {amount:,} back to you. Receipt {receipt}.",
    },
    "credit_sent": {
        "sw": "Konektika: Salio lako la TZS {amount:,} limerudishwa kwenye namba hii. "
        "Risiti {receipt}.",
        "en": "Konektika: Your credit of TZS {amount:,} was sent back to this number. "
        "Receipt {receipt}.",
    },
    "payout_sent": {
        "sw": "Konektika: Tumekulipa mapato yako TZS {amount:,}. Risiti {receipt}.",
        "en": "Konektika: We have paid you your earnings of TZS {amount:,}. Receipt {receipt}.",
    },
    "payment_reversed": {
        "sw": "Konektika: Malipo yako ya TZS {amount:,} yamerudishwa na mtoa huduma. "
        "Huduma uliyonunua imesitishwa.",
        "en": "Konektika: Your payment of TZS {amount:,} was taken back by the provider. "
        "What it bought has been suspended.",
    },
    "payment_to_credit": {
        "sw": "Konektika: Tumepokea TZS {amount:,}. Zimehifadhiwa kwenye akaunti yako. "
        "Risiti {receipt}.",
        "en": "Konektika: We have received TZS {amount:,}. They are kept as your credit. "
        "Receipt {receipt}.",
    },
    "payment_credit_again": {
        "sw": "Konektika: TZS {amount:,} zimerudishwa kwenye akaunti yako. "
        "Huduma uliyonunua imesitishwa.",
        "en": "Konektika: TZS {amount:,} are your credit again. What they bought has ended.",
    },
    "payment_refunding": {
        "sw": "Konektika: Samahani, hatukuweza kukuwashia huduma. Tunakurudishia TZS {amount:,}.",
        "en": "Konektika: We are sorry, we could not activate your service. "
        "TZS {amount:,} are on their way back to you.",
    },
    "receipt_found": {
        "sw": "Konektika: Tumepata malipo yako ya risiti {receipt}. Fungua programu yetu au tovuti "
        "uone yalipofikia.",
        "en": "Konektika: We have found your payment with receipt {receipt}. See in our app or on "
        "our page how it stands.",
    },
    "receipt_with_staff": {
        "sw": "Konektika: Bado hatujapata malipo ya risiti {receipt}. Sasa mhudumu wetu "
        "anayatafuta; tutakujulisha.",
        "en": "Konektika: We have not found a payment of yours with receipt {receipt} yet. A person "
        "looks for it now; we will tell you.",
    },
    "receipt_not_found": {
        "sw": "Konektika: Samahani, hatukupata malipo yako yenye risiti {receipt}. Kama umelipa, "
        "wasiliana nasi.",
        "en": "Konektika: We are sorry, we have found no payment of yours with receipt {receipt}. If "
        "you have paid, contact us.",
    },
    "refund_granted": {
        "sw": "Konektika: Ombi lako limekubaliwa: tunakurudishia TZS {amount:,}.",
        "en": "Konektika: Your wish is granted: TZS {amount:,} are on their way back to you.",
    },
    "refund_declined": {
        "sw": "Konektika: Samahani, hatuwezi kukurudishia pesa ya malipo haya: {why}",
        "en": "Konektika: We are sorry, this payment cannot be given back: {why}",
    },
    "owner_approved": {
        "sw": "Konektika: Hongera! Umekubaliwa kuuza vifurushi. Fungua programu yetu uweke "
        "kifurushi chako cha kwanza.",
        "en": "Konektika: You may sell bundles now. Open our app to offer your first one.",
    },
    "owner_declined": {
        "sw": "Konektika: Samahani, ombi lako la kuuza vifurushi halikukubaliwa: {why}",
        "en": "Konektika: We are sorry, your application to sell was declined: {why}",
    },
    "owner_suspended": {
        "sw": "Konektika: Uuzaji wako umesitishwa: {why} Wateja wako wa sasa wanaendelea.",
        "en": "Konektika: You may not sell at the moment: {why} Your present customers go on.",
    },
    "code_verify_phone": {
        "sw": "Konektika: Namba ya kuthibitisha simu yako ni {code}. Inaisha baada ya dakika 5. "
        "Usimpe mtu yeyote.",
        "en": "Konektika: {code} confirms your phone. It is good for 5 minutes. "
        "Do not give it to anybody.",
    },
    "code_change_phone": {
        "sw": "Konektika: Namba ya kuhamishia akaunti yako kwenye simu hii ni {code}. Inaisha "
        "baada ya dakika 5. Usimpe mtu yeyote.",
        "en": "Konektika: {code} moves your account to this phone. It is good for 5 minutes. "
        "Do not give it to anybody.",
    },
    "code_reset_password": {
        "sw": "Konektika: Namba ya kuweka nenosiri jipya ni {code}. Inaisha baada ya dakika 5. "
        "Kama hukuiomba, ipuuze. Usimpe mtu yeyote.",
        "en": "Konektika: {code} lets you choose a new password. It is good for 5 minutes. "
        "If you did not ask for it, ignore it. Do not give it to anybody.",
    },
    "phone_changed": {
        "sw": "Konektika: Akaunti yako imehamishiwa namba nyingine ya simu. Kama si wewe, "
        "wasiliana nasi mara moja. Malipo kwako yamesitishwa kwa saa 72.",
        "en": "Konektika: Your account has moved to another phone number. If it was not you, "
        "contact us at once. Payouts to you wait for 72 hours.",
    },
    "password_changed": {
        "sw": "Konektika: Nenosiri la akaunti yako limebadilishwa. Kama si wewe, omba nenosiri "
        "jipya kwa SMS na wasiliana nasi mara moja.",
        "en": "Konektika: The password of your account was changed. If it was not you, ask for a "
        "new one by SMS and contact us at once.",
    },
    "email_changed": {
        "sw": "Konektika: Akaunti yako sasa inatumia barua pepe nyingine. Kama si wewe, wasiliana "
        "nasi mara moja.",
        "en": "Konektika: Your account has another e-mail address now. If it was not you, contact "
        "us at once.",
    },
    "account_deleted": {
        "sw": "Konektika: Akaunti yako imefutwa kama ulivyoomba. Hatutakuandikia tena.",
        "en": "Konektika: Your account is deleted, as you asked. We will not write to you again.",
    },
    "phone_has_account": {
        "sw": "Konektika: Mtu ametaka kutumia namba hii kwenye akaunti nyingine. Tayari ina "
        "akaunti: ingia kwa namba hii. Kama si wewe, puuza.",
        "en": "Konektika: Somebody wants to use this number for another account. It has one: sign "
        "in with it. If it was not you, ignore this.",
    },
}

# What is in a text and not shown to staff, and what stands there instead.
SECRETS = {"link": "[one-time link]", "code": "[code]"}

# Of the texts that go by e-mail, some besides an SMS; others have the sender's name.
SUBJECTS: dict[str, dict[str, str]] = {
    "payout_sent": {
        "sw": "Konektika: mapato yako yamelipwa",
        "en": "Konektika: your earnings are paid",
    },
    "owner_approved": {
        "sw": "Konektika: umekubaliwa kuuza vifurushi",
        "en": "Konektika: you may sell bundles",
    },
    "owner_declined": {
        "sw": "Konektika: ombi lako la kuuza vifurushi",
        "en": "Konektika: your application to sell",
    },
    "owner_suspended": {
        "sw": "Konektika: uuzaji wako umesitishwa",
        "en": "Konektika: you may not sell at the moment",
    },
    "phone_changed": {
        "sw": "Konektika: namba ya simu imebadilishwa",
        "en": "Konektika: your phone was changed",
    },
    "password_changed": {
        "sw": "Konektika: nenosiri limebadilishwa",
        "en": "Konektika: your password was changed",
    },
    "email_changed": {
        "sw": "Konektika: barua pepe imebadilishwa",
        "en": "Konektika: your e-mail address was changed",
    },
    "account_deleted": {
        "sw": "Konektika: akaunti yako imefutwa",
        "en": "Konektika: your account is deleted",
    },
}
SENDER = "Konektika"
# Whose reader is nobody's customer any more once it is sent.
LAST_WORDS = frozenset({"account_deleted"})

REASONS: dict[str, dict[str, str]] = {
    "wrong_pin": {"sw": "PIN si sahihi", "en": "wrong PIN"},
    "insufficient_funds": {"sw": "salio halitoshi", "en": "not enough money in the account"},
    "cancelled": {"sw": "umekataa malipo", "en": "you declined it"},
    "no_answer": {"sw": "hakukuwa na jibu kwa wakati", "en": "no answer in time"},
    "limit": {"sw": "kiwango cha muamala kimepitwa", "en": "a limit of your account is reached"},
    "busy": {"sw": "simu ina muamala mwingine", "en": "your phone was busy with another request"},
    "not_registered": {
        "sw": "namba haijasajiliwa kwa huduma hii",
        "en": "this number has no such account",
    },
    "declined": {"sw": "mtoa huduma amekataa", "en": "the provider declined it"},
    "not_found": {"sw": "ombi halikufika", "en": "the request did not arrive"},
    "unavailable": {"sw": "huduma haipatikani kwa sasa", "en": "the provider cannot be reached"},
    "configuration": {"sw": "hitilafu upande wetu", "en": "a fault on our side"},
}


def render(message_id: str, language: str, context: Mapping[str, Any]) -> str:
    """The text of a message. A `reason` in the context is a code of `REASONS`.

    Raises KeyError for an unknown id, language or missing context.
    """
    words = dict(context)
    if "reason" in words:
        words["reason"] = REASONS.get(words["reason"], REASONS["declined"])[language]
    return normalised(TEXTS[message_id][language].format(**words))


def kind_of(message_id: str) -> Kind:
    """Raises KeyError for an unknown id."""
    named = _named_in(message_id)
    if message_id in REMINDERS:
        return Kind.REMINDER
    return next((kind for kind in (Kind.CODE, Kind.RECEIPT) if kind in named), Kind.NOTICE)


def secrets_in(message_id: str) -> set[str]:
    """What the text names that lets its reader in. Raises KeyError for an unknown id."""
    return _named_in(message_id) & set(SECRETS)


def subject(message_id: str, language: str) -> str:
    """The subject of the text as an e-mail."""
    return SUBJECTS.get(message_id, {}).get(language, SENDER)


def _named_in(message_id: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(TEXTS[message_id]["en"]) if name}
