"""The app's paths that are about what is sold; `konektika.urls` mounts them."""

from django.urls import path
from rest_framework.routers import SimpleRouter

from bundles.api.catalogue import BundleViewSet
from bundles.api.purchases import PurchaseViewSet
from bundles.api.subscriptions import SubscriptionViewSet

catalogue = SimpleRouter(trailing_slash=False)
catalogue.register("bundles", BundleViewSet, basename="bundle")

purchases = SimpleRouter(trailing_slash=False)
purchases.register("payments", PurchaseViewSet, basename="payment")

catalogue_urlpatterns = catalogue.urls
purchase_urlpatterns = purchases.urls
user_urlpatterns = [
    path("subscriptions", SubscriptionViewSet.as_view({"get": "list"}), name="subscriptions"),
]
