//! The stylesheet and the icon, inside the program; addressed by their content, so they may be kept for a year.

use std::sync::OnceLock;

use actix_web::{HttpResponse, Responder};

use crate::kernel::digest;

const STYLESHEET: &str = include_str!("../../static/consign.css");
const ICON: &str = include_str!("../../static/favicon.svg");

/// The stylesheet's address, which changes with its content.
pub fn stylesheet_url() -> &'static str {
    static URL: OnceLock<String> = OnceLock::new();
    URL.get_or_init(|| {
        format!("/static/consign.css?v={}", &digest::sha256(STYLESHEET.as_bytes())[..12])
    })
}

fn kept(content_type: &'static str, body: &'static str) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header(("Cache-Control", "public, max-age=31536000, immutable"))
        .content_type(content_type)
        .body(body)
}

pub(in crate::web) async fn stylesheet() -> impl Responder {
    kept("text/css; charset=utf-8", STYLESHEET)
}

pub(in crate::web) async fn icon() -> impl Responder {
    kept("image/svg+xml", ICON)
}
