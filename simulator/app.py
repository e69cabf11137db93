"""Puts the simulator together: the providers' APIs, the control interface, the handset page."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from simulator.africastalking import AfricasTalking
from simulator.airtel_money.api import AirtelMoney
from simulator.bank import Bank
from simulator.beem import Beem
from simulator.behaviour import Behaviour
from simulator.bills import Bills
from simulator.callbacks import CallbackSender
from simulator.clock import Clock
from simulator.config import Config
from simulator.control import Control
from simulator.handset import Handset
from simulator.mpesa_daraja.api import MpesaDaraja
from simulator.mpesa_openapi.api import MpesaOpenApi
from simulator.payouts import Payouts
from simulator.prompts import Prompts
from simulator.provider import Api, Provider, World
from simulator.sms import SmsApi
from simulator.store import Store
from simulator.tigo_pesa.api import TigoPesa


@contextlib.asynccontextmanager
async def running(config: Config) -> AsyncIterator[web.Application]:
    """The application with its clock running; prompts and calls of an earlier run go on.

    Raises ConfigError for a key that cannot be read.
    """
    store = Store(config.database)
    alarm = asyncio.Event()
    sender = CallbackSender(store, alarm)
    world = _world(config, store, sender, alarm)
    try:
        providers = _providers(config, world)
        world.bills.return_abandoned()
        gateways = _gateways(config, world)
        app = web.Application(middlewares=[_provider_errors([*providers, *gateways])])
        app.add_routes(Control(world, providers, gateways).routes())
        app.add_routes(Handset(world, [*providers, *gateways]).routes())
        for api in (*providers, *gateways):
            app.add_routes(api.routes())
        clock = asyncio.create_task(Clock(alarm, store, world.prompts, sender).run())
        try:
            yield app
        finally:
            clock.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await clock
    finally:
        await sender.close()
        store.close()


def _world(config: Config, store: Store, sender: CallbackSender, alarm: asyncio.Event) -> World:
    behaviour = Behaviour(store)
    bank = Bank(store, behaviour)
    return World(
        store=store,
        behaviour=behaviour,
        bank=bank,
        prompts=Prompts(store, behaviour, bank, sender, alarm),
        payouts=Payouts(store, behaviour, bank, sender),
        bills=Bills(store, bank, sender),
        sender=sender,
        merchant=config.merchant,
    )


def _providers(config: Config, world: World) -> list[Provider]:
    providers: list[Provider] = []
    if config.mpesa:
        providers.append(MpesaDaraja(config.mpesa, world))
    if config.openapi:
        providers.append(MpesaOpenApi(config.openapi, world))
    if config.tigo:
        providers.append(TigoPesa(config.tigo, world))
    if config.airtel:
        providers.append(AirtelMoney(config.airtel, world))
    return providers


def _gateways(config: Config, world: World) -> list[SmsApi]:
    """The providers of SMS."""
    gateways: list[SmsApi] = []
    if config.beem:
        gateways.append(Beem(config.beem, world))
    if config.africastalking:
        gateways.append(AfricasTalking(config.africastalking, world))
    return gateways


def _provider_errors(apis: Sequence[Api]) -> Middleware:
    """Wrong paths and methods get the error that the provider itself would give."""

    @web.middleware
    async def translating(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except (web.HTTPNotFound, web.HTTPMethodNotAllowed) as error:
            for api in apis:
                if request.path.startswith(api.prefixes):
                    return api.no_such_path(error.status)
            raise

    return translating
