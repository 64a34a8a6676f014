//! The yardstick: a hyper server that looks at nothing and answers what a hit answers.
//!
//! It is the origin of the measured nodes too, so it knows one operation more: `DescribeTable`.

use std::{convert::Infallible, io::Write};

use bytes::Bytes;
use http::{HeaderValue, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;

const TABLE: &str = r#"{"Table":{"TableName":"Users","TableStatus":"ACTIVE","KeySchema":[{"AttributeName":"pk","KeyType":"HASH"},{"AttributeName":"sk","KeyType":"RANGE"}],"AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"},{"AttributeName":"sk","AttributeType":"S"}]}}"#;

/// An answer of 400 bytes.
fn item() -> Bytes {
    let head = r#"{"Item":{"pk":{"S":"user#0000000000"},"sk":{"S":"profile"},"text":{"S":""#;
    let tail = r#""}}}"#;
    let filling = "x".repeat(400 - head.len() - tail.len());
    Bytes::from(format!("{head}{filling}{tail}"))
}

/// Serves on a free port, which it prints, until it is killed.
pub(crate) fn serve() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = base::listen(([127, 0, 0, 1], 0).into()).unwrap();
        println!("listen http://{}", listener.local_addr().unwrap());
        std::io::stdout().flush().unwrap();
        let item = item();
        let tasks = base::Drain::new();
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            stream.set_nodelay(true).unwrap();
            let item = item.clone();
            let service = service_fn(move |request| answer(request, item.clone()));
            tasks.spawn(async move {
                let mut server = http1::Builder::new();
                server.writev(false);
                let _hung_up = server.serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
}

async fn answer(request: Request<Incoming>, item: Bytes) -> Result<Response<Full<Bytes>>, Infallible> {
    let is_description = request
        .headers()
        .get("x-amz-target")
        .is_some_and(|target| target.as_bytes().ends_with(b"DescribeTable"));
    let _body = request.into_body().collect().await;
    let body = if is_description { Bytes::from_static(TABLE.as_bytes()) } else { item };
    let mut response = Response::new(Full::new(body));
    let headers = response.headers_mut();
    let constant = [
        ("x-amzn-requestid", "TUO2QOB6S0E12PK8J5C84PRTFI2IANFT4IRMKKLRK6EQ179D8J60"),
        ("content-type", "application/x-amz-json-1.0"),
        ("x-amz-crc32", "3128867991"),
        ("cache-status", "linac; hit; ttl=299"),
    ];
    for (name, value) in constant {
        headers.insert(name, HeaderValue::from_static(value));
    }
    Ok(response)
}
