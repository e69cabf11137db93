"""Signing up, in and out, and one's own profile."""

from __future__ import annotations

from django.utils.translation import gettext_noop as _
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from accounts.api.person import device_of, own_token, signed_in, signed_in_reply
from accounts.api.serializers import (
    ROLE_OF_TYPE,
    LoginSerializer,
    ProfileSerializer,
    RegisterSerializer,
    SignedInSerializer,
    UserReplySerializer,
    UserSerializer,
)
from accounts.api.throttling import ProfileThrottle, RegisterThrottle, SignInThrottle
from accounts.errors import AlreadyRegistered
from accounts.services.change_profile import change_profile
from accounts.services.register import register
from accounts.services.sign_in import end_token, new_token, renew_token, sign_in
from common.rest import Reply


class RegisterView(APIView):
    authentication_classes = ()
    permission_classes = (AllowAny,)
    throttle_classes = (RegisterThrottle,)

    @extend_schema(request=RegisterSerializer, responses={201: SignedInSerializer})
    def post(self, request: Request) -> Response:
        asked = RegisterSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        values = dict(asked.validated_data)
        role = ROLE_OF_TYPE[values.pop("user_type")]
        try:
            user = register(**values, role=role)
        except AlreadyRegistered:
            RegisterThrottle().count(request, self)
            raise
        token = new_token(user=user, device=device_of(request))
        return signed_in_reply(user, token, _("Welcome."), status.HTTP_201_CREATED)


class LoginView(APIView):
    authentication_classes = ()
    permission_classes = (AllowAny,)
    throttle_classes = (SignInThrottle,)

    @extend_schema(request=LoginSerializer, responses=SignedInSerializer)
    def post(self, request: Request) -> Response:
        asked = LoginSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        given = asked.validated_data
        user, token = sign_in(
            name=given["email"], password=given["password"], device=device_of(request)
        )
        return signed_in_reply(user, token, _("Welcome back."))


class LogoutView(APIView):
    @extend_schema(request=None, responses=None)
    def post(self, request: Request) -> Response:
        end_token(token=own_token(request))
        return Reply(message=_("You are signed out."))


class RefreshView(APIView):
    @extend_schema(request=None, responses=SignedInSerializer)
    def post(self, request: Request) -> Response:
        user = signed_in(request)
        token = renew_token(user=user, old=own_token(request))
        return signed_in_reply(user, token, _("Your sign-in is renewed."))


class ProfileView(APIView):
    """The signed-in person; the app also checks its stored token here."""

    @extend_schema(responses=UserReplySerializer)
    def get(self, request: Request) -> Response:
        return Reply({"user": UserSerializer(signed_in(request)).data}, message=_("Your profile"))


class OwnProfileView(ProfileView):
    def get_throttles(self) -> list[BaseThrottle]:
        return [ProfileThrottle()] if self.request.method == "PUT" else []

    @extend_schema(request=ProfileSerializer, responses=UserReplySerializer)
    def put(self, request: Request) -> Response:
        asked = ProfileSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        try:
            user = change_profile(user=signed_in(request), changes=asked.validated_data)
        except AlreadyRegistered:
            ProfileThrottle().count(request, self)
            raise
        return Reply({"user": UserSerializer(user).data}, message=_("Your profile is saved."))
