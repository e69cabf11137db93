"""Mounted under `/api/auth/` and `/api/users/`."""

from django.urls import path

from accounts.api.views import (
    LoginView,
    LogoutView,
    OwnProfileView,
    ProfileView,
    RefreshView,
    RegisterView,
)

auth_urlpatterns = [
    path("register", RegisterView.as_view(), name="register"),
    path("login", LoginView.as_view(), name="login"),
    path("profile", ProfileView.as_view(), name="auth-profile"),
    path("logout", LogoutView.as_view(), name="logout"),
    path("refresh", RefreshView.as_view(), name="refresh"),
]
user_urlpatterns = [path("profile", OwnProfileView.as_view(), name="own-profile")]
