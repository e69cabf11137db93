"""The public URL map on one screen; the webhooks' paths are in `payments/webhook_urls.py`."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

from accounts.api.urls import auth_urlpatterns
from accounts.api.urls import user_urlpatterns as person_urlpatterns
from backoffice.dashboard.page import chart_as_csv, dashboard
from backoffice.metrics import metrics
from backoffice.search_page import search_page
from bundles.api.urls import (
    catalogue_urlpatterns,
    gift_urlpatterns,
    owner_urlpatterns,
    picture_urlpatterns,
    purchase_urlpatterns,
)
from bundles.api.urls import user_urlpatterns as subscription_urlpatterns
from konektika.health import live, ready
from storefront.api.urls import help_urlpatterns, payment_urlpatterns
from storefront.pages.urls import page_urlpatterns as web_urlpatterns
from vpn.agent_api.urls import agent_urlpatterns
from vpn.api.urls import analytics_urlpatterns, vpn_urlpatterns
from vpn.urls import page_urlpatterns

handler400 = "common.rest.handler400"
handler403 = "common.rest.handler403"
handler404 = "common.rest.handler404"
handler500 = "common.rest.handler500"

api: list[URLPattern | URLResolver] = [
    path("auth/", include(auth_urlpatterns)),
    path("users/", include(person_urlpatterns)),
    path("users/", include(subscription_urlpatterns)),
    path("", include(catalogue_urlpatterns)),
    path("gifts", include(gift_urlpatterns)),
    path("owner", include(owner_urlpatterns)),
    path("payments/", include("payments.api.urls")),
    path("payments/", include(payment_urlpatterns)),
    path("help/", include(help_urlpatterns)),
    path("", include(purchase_urlpatterns)),
    path("vpn/", include(vpn_urlpatterns)),
    path("analytics/", include(analytics_urlpatterns)),
    path("schema", SpectacularAPIView.as_view(), name="schema"),
    path("docs", SpectacularSwaggerView.as_view(url_name="schema"), name="api-docs"),
]

urlpatterns = [
    path("admin", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/search/", admin.site.admin_view(search_page), name="staff-search"),
    path("admin/dashboard/", admin.site.admin_view(dashboard), name="dashboard"),
    path(
        "admin/dashboard/<slug:key>.csv",
        admin.site.admin_view(chart_as_csv),
        name="dashboard-csv",
    ),
    path("admin/", admin.site.urls),
    path("api/webhooks/", include("payments.webhook_urls")),
    path("api/", include(api)),
    path("agent/v1/", include(agent_urlpatterns)),
    path("health/live", live, name="health-live"),
    path("health/ready", ready, name="health-ready"),
    path("metrics", metrics, name="metrics"),
    path("", include(picture_urlpatterns)),
    path("", include(page_urlpatterns)),
    path("", include(web_urlpatterns)),
]
