"""Phones proved and changed, passwords chosen anew, sessions ended, an account deleted."""

from __future__ import annotations

from django.utils.translation import gettext_noop as _
from drf_spectacular.utils import extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.person import device_of, own_token, signed_in, signed_in_reply
from accounts.api.serializers import (
    AskChangePhoneSerializer,
    AskResetSerializer,
    CodeSerializer,
    DeleteAccountSerializer,
    NewPasswordSerializer,
    ResetSerializer,
    SessionSerializer,
    SessionsSerializer,
    SignedInSerializer,
    UserReplySerializer,
    UserSerializer,
)
from accounts.api.throttling import CodeThrottle, PasswordThrottle
from accounts.services import own_phone
from accounts.services.delete_account import delete_account
from accounts.services.passwords import ask_to_reset, change_password, reset_password
from accounts.services.sign_in import end_other_sessions, end_session, new_token, sessions_of
from common.rest import Pages, Reply

CODE_SENT = _("We have sent a code to this phone. It is good for five minutes.")


class AskVerifyPhoneView(APIView):
    """Sends a code to the account's own phone."""

    throttle_classes = (CodeThrottle,)

    @extend_schema(request=None, responses=None)
    def post(self, request: Request) -> Response:
        own_phone.ask_to_verify(user=signed_in(request))
        return Reply(message=CODE_SENT)


class VerifyPhoneView(APIView):
    throttle_classes = (CodeThrottle,)

    @extend_schema(request=CodeSerializer, responses=UserReplySerializer)
    def post(self, request: Request) -> Response:
        asked = CodeSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        user = own_phone.verify(user=signed_in(request), digits=asked.validated_data["code"])
        return Reply({"user": UserSerializer(user).data}, message=_("Your phone is confirmed."))


class AskChangePhoneView(APIView):
    """Sends a code to the new phone, or tells its holder that it has an account."""

    throttle_classes = (CodeThrottle, PasswordThrottle)

    @extend_schema(request=AskChangePhoneSerializer, responses=None)
    def post(self, request: Request) -> Response:
        asked = AskChangePhoneSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        own_phone.ask_to_change(user=signed_in(request), **asked.validated_data)
        return Reply(message=CODE_SENT)


class ChangePhoneView(APIView):
    throttle_classes = (CodeThrottle,)

    @extend_schema(request=CodeSerializer, responses=UserReplySerializer)
    def post(self, request: Request) -> Response:
        asked = CodeSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        user = own_phone.change(user=signed_in(request), digits=asked.validated_data["code"])
        return Reply({"user": UserSerializer(user).data}, message=_("Your phone is changed."))


class AskResetPasswordView(APIView):
    """The same answer whether or not the phone has an account."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    throttle_classes = (CodeThrottle,)

    @extend_schema(request=AskResetSerializer, responses=None)
    def post(self, request: Request) -> Response:
        asked = AskResetSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        ask_to_reset(**asked.validated_data)
        return Reply(
            message=_(
                "If this phone is confirmed for an account, a code is on its way to it. "
                "At most three an hour are sent."
            )
        )


class ResetPasswordView(APIView):
    authentication_classes = ()
    permission_classes = (AllowAny,)
    throttle_classes = (CodeThrottle,)

    @extend_schema(request=ResetSerializer, responses=SignedInSerializer)
    def post(self, request: Request) -> Response:
        asked = ResetSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        given = asked.validated_data
        user = reset_password(phone=given["phone"], digits=given["code"], new=given["password"])
        token = new_token(user=user, device=device_of(request))
        return signed_in_reply(user, token, _("Your password is changed."))


class ChangePasswordView(APIView):
    throttle_classes = (PasswordThrottle,)

    @extend_schema(request=NewPasswordSerializer, responses=None)
    def post(self, request: Request) -> Response:
        asked = NewPasswordSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        given = asked.validated_data
        change_password(
            user=signed_in(request),
            old=given["old_password"],
            new=given["password"],
            session=own_token(request),
        )
        return Reply(message=_("Your password is changed. You are signed out everywhere else."))


class SessionsView(APIView):
    @extend_schema(responses=SessionsSerializer)
    def get(self, request: Request) -> Response:
        pages = Pages()
        found = pages.paginate_queryset(sessions_of(signed_in(request)), request, view=self)
        rows = SessionSerializer(found, many=True, context={"current": own_token(request).pk})
        data = {"sessions": rows.data, "message": _("Where you are signed in")}
        return pages.get_paginated_response(data)

    @extend_schema(operation_id="users_sessions_end_others", responses=None)
    def delete(self, request: Request) -> Response:
        end_other_sessions(but=own_token(request))
        return Reply(message=_("You are signed out everywhere else."))


class SessionView(APIView):
    @extend_schema(responses=None)
    def delete(self, request: Request, session_id: int) -> Response:
        end_session(user=signed_in(request), session_id=session_id)
        return Reply(message=_("That session is ended."))


class DeleteAccountView(APIView):
    throttle_classes = (PasswordThrottle,)

    @extend_schema(request=DeleteAccountSerializer, responses=None)
    def post(self, request: Request) -> Response:
        asked = DeleteAccountSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        given = asked.validated_data
        delete_account(
            user=signed_in(request),
            password=given["password"],
            gives_up_service=given["give_up_service"],
        )
        return Reply(message=_("Your account is deleted."))
