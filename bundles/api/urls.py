"""The app's paths that are about what is sold; `konektika.urls` mounts them."""

from django.urls import path
from rest_framework.routers import SimpleRouter

from bundles.api import owners
from bundles.api.catalogue import BundleViewSet
from bundles.api.gifts import ClaimGiftView, GiftsView, TakeGiftBackView
from bundles.api.pictures import picture
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
    path(
        "subscriptions/<int:subscription_id>/renewal",
        SubscriptionViewSet.as_view({"post": "renewal"}),
        name="subscription-renewal",
    ),
]
gift_urlpatterns = [
    path("", GiftsView.as_view(), name="gifts"),
    path("/claim", ClaimGiftView.as_view(), name="gift-claim"),
    path("/<int:gift_id>/withdraw", TakeGiftBackView.as_view(), name="gift-withdraw"),
]
owner_urlpatterns = [
    path("", owners.OwnerView.as_view(), name="owner"),
    path("/apply", owners.ApplyView.as_view(), name="owner-apply"),
    path("/bundles", owners.OwnBundlesView.as_view(), name="owner-bundles"),
    path("/bundles/<int:bundle_id>", owners.OwnBundleView.as_view(), name="owner-bundle"),
    path("/bundles/<int:bundle_id>/pause", owners.PauseView.as_view(), name="owner-pause"),
    path("/bundles/<int:bundle_id>/resume", owners.ResumeView.as_view(), name="owner-resume"),
    path("/bundles/<int:bundle_id>/picture", owners.PictureView.as_view(), name="owner-picture"),
    path("/sales", owners.SalesView.as_view(), name="owner-sales"),
    path("/customers", owners.CustomersView.as_view(), name="owner-customers"),
    path("/earnings", owners.EarningsView.as_view(), name="owner-earnings"),
    path("/payouts", owners.PayoutView.as_view(), name="owner-payouts"),
    path("/statement", owners.StatementView.as_view(), name="owner-statement"),
    path("/statement.csv", owners.StatementCsvView.as_view(), name="owner-statement-csv"),
    path("/statement.pdf", owners.StatementPdfView.as_view(), name="owner-statement-pdf"),
]
picture_urlpatterns = [path("pictures/<str:name>", picture, name="picture")]
