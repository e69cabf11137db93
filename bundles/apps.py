"""Registers what bundles does with payments' facts, and what it knows of a bill's reference."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class BundlesConfig(AppConfig):
    name = "bundles"

    def ready(self) -> None:
        from accounts import hooks as people
        from bundles import handlers
        from bundles.catalogue_triggers import put_triggers
        from bundles.selectors import payable_of_phone, payable_of_purchase
        from payments import hooks
        from payments.bills import payables

        hooks.completed.register(handlers.activate)
        hooks.fulfilled.register(handlers.tell)
        hooks.fulfilled.register(handlers.prove)
        hooks.given_up.register(handlers.release)
        hooks.given_up.register(handlers.renew_no_more_in_vain)
        hooks.withdrawn.register(handlers.withdraw)
        hooks.withdrawn.register(handlers.correct_withdrawn)
        hooks.sent_back.register(handlers.correct_sent_back)
        hooks.closed.register(handlers.release)
        people.deletion_asked.register(handlers.keep_account_in_use)
        people.account_deleted.register(handlers.end_with_account)
        payables.register(payable_of_purchase)
        payables.register(payable_of_phone)
        post_migrate.connect(put_triggers, sender=self)
