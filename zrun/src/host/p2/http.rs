//! `wasi:http`: requests are judged by the run's policy; with `--strict` the program ends when one was denied.

use wasmtime::component::{Linker, LinkerInstance, Resource};
use wasmtime_wasi_http::p2::bindings::http::outgoing_handler::Host as _;
use wasmtime_wasi_http::p2::bindings::http::types::{
    ErrorCode, Host as Errors, HostFutureIncomingResponse as _,
};
use wasmtime_wasi_http::p2::bindings::{LinkOptions, sync};
use wasmtime_wasi_http::p2::types::{
    HostFutureIncomingResponse, HostIncomingResponse, HostOutgoingRequest,
};
use wasmtime_wasi_http::{RequestOptions, WasiHttp, WasiHttpCtxView, WasiHttpView};

use super::{Context, Host};

impl WasiHttpView for Host {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView {
            ctx: &mut self.http,
            table: &mut self.table,
            hooks: &mut self.hooks,
        }
    }
}

pub(super) fn link(linker: &mut Linker<Host>, interface: &str) -> wasmtime::Result<()> {
    match interface {
        "http/outgoing-handler" => {
            sync::http::outgoing_handler::add_to_linker::<Host, WasiHttp>(linker, Host::http)
        }
        "http/types" => sync::http::types::add_to_linker::<Host, WasiHttp>(
            linker,
            &LinkOptions::default().into(),
            Host::http,
        ),
        _ => Ok(()),
    }
}

type Future = Resource<HostFutureIncomingResponse>;
type Response = Resource<HostIncomingResponse>;

pub(super) fn guard_requests(mut instance: LinkerInstance<'_, Host>) -> wasmtime::Result<()> {
    type Request = Resource<HostOutgoingRequest>;
    type Options = Option<Resource<RequestOptions>>;
    instance.func_wrap(
        "handle",
        |mut store: Context<'_>, (request, options): (Request, Options)| {
            let host = store.data_mut();
            let outcome = host.http().handle(request, options);
            host.shared.denials.settle()?;
            let outcome: Result<Future, ErrorCode> = match outcome {
                Ok(future) => Ok(future),
                Err(error) => Err(Errors::convert_error_code(&mut host.http(), error)?),
            };
            Ok((outcome,))
        },
    )
}

pub(super) fn guard_responses(mut instance: LinkerInstance<'_, Host>) -> wasmtime::Result<()> {
    type Got = Option<Result<Result<Response, ErrorCode>, ()>>;
    instance.func_wrap(
        "[method]future-incoming-response.get",
        |mut store: Context<'_>, (future,): (Future,)| {
            let host = store.data_mut();
            let got: Got = host.http().get(future)?;
            host.shared.denials.settle()?;
            Ok((got,))
        },
    )
}
