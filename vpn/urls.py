"""Pages for people without the app."""

from django.urls import path

from vpn.pages import one_time_config

page_urlpatterns = [path("vpn/c/<str:token>", one_time_config, name="vpn-link")]
