"""Mounted under `/api/auth/` and `/api/users/`."""

from django.urls import path

from accounts.api import security_views as security
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
    path("password", security.ChangePasswordView.as_view(), name="change-password"),
    path("password/reset", security.AskResetPasswordView.as_view(), name="ask-reset-password"),
    path("password/reset/confirm", security.ResetPasswordView.as_view(), name="reset-password"),
]
user_urlpatterns = [
    path("profile", OwnProfileView.as_view(), name="own-profile"),
    path("phone/verify", security.AskVerifyPhoneView.as_view(), name="ask-verify-phone"),
    path("phone/verify/confirm", security.VerifyPhoneView.as_view(), name="verify-phone"),
    path("phone/change", security.AskChangePhoneView.as_view(), name="ask-change-phone"),
    path("phone/change/confirm", security.ChangePhoneView.as_view(), name="change-phone"),
    path("sessions", security.SessionsView.as_view(), name="sessions"),
    path("sessions/<int:session_id>", security.SessionView.as_view(), name="session"),
    path("delete", security.DeleteAccountView.as_view(), name="delete-account"),
]
