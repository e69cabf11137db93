"""Puts the simulator together: the providers' APIs, the control interface, the handset page."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from simulator.airtel_money import AirtelMoney
from simulator.behaviour import Behaviour
from simulator.callbacks import CallbackSender
from simulator.config import Config
from simulator.control import Control
from simulator.handset import Handset
from simulator.mpesa_daraja import MpesaDaraja
from simulator.prompts import Prompts
from simulator.provider import Provider, World
from simulator.store import Store
from simulator.tigo_pesa import TigoPesa


@contextlib.asynccontextmanager
async def running(config: Config) -> AsyncIterator[web.Application]:
    """The application with its clock running; prompts and callbacks of an earlier run go on."""
    store = Store(config.database)
    behaviour = Behaviour(store)
    sender = CallbackSender(store)
    prompts = Prompts(store, behaviour, sender)
    providers = _providers(config, World(store, behaviour, prompts, config.merchant))
    clock = asyncio.create_task(prompts.run())
    try:
        app = web.Application(middlewares=[_provider_errors(providers)])
        app.add_routes(Control(store, behaviour, prompts).routes())
        app.add_routes(Handset(store, prompts, providers).routes())
        for provider in providers:
            app.add_routes(provider.routes())
        yield app
    finally:
        clock.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await clock
        await sender.close()
        store.close()


def _providers(config: Config, world: World) -> list[Provider]:
    providers: list[Provider] = []
    if config.mpesa:
        providers.append(MpesaDaraja(config.mpesa, world))
    if config.tigo:
        providers.append(TigoPesa(config.tigo, world))
    if config.airtel:
        providers.append(AirtelMoney(config.airtel, world))
    return providers


def _provider_errors(providers: list[Provider]) -> Middleware:
    """Wrong paths and methods get the error that the provider itself would give."""

    @web.middleware
    async def translating(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except (web.HTTPNotFound, web.HTTPMethodNotAllowed) as error:
            for provider in providers:
                if request.path.startswith(provider.prefixes):
                    return provider.no_such_path(error.status)
            raise

    return translating
