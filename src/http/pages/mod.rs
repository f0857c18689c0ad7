//! What people see in a browser: pages made on the server, which work without JavaScript and are complete in Chinese and in English.
//!
//! A page asks the same services as the API does and decides nothing of its own. Personal data come in by forms (POST), never by
//! addresses; nothing is loaded from anywhere else. Templates, styles and scripts stand in `assets/pages/`.

pub mod answers;
pub mod assets;
pub mod bulk;
pub mod consent;
pub mod console;
pub mod console_authority;
pub mod console_catalogue;
pub mod console_certificates;
pub mod console_classes;
pub mod console_competitions;
pub mod console_credits;
pub mod console_disputes;
pub mod console_organisation;
pub mod console_records;
pub mod console_sessions;
pub mod console_tables;
pub mod console_workers;
pub mod filings;
pub mod filters;
pub mod forms;
pub mod offline;
pub mod organisation;
pub mod own;
pub mod own_affairs;
pub mod photographs;
pub mod reader;
pub mod receipts;
pub mod shapes;
pub mod shared;
pub mod shown;
pub mod signed_in;
pub mod templates;
pub mod tokens;
pub mod verify;

use actix_web::web::ServiceConfig;

/// Every page and what pages load.
pub fn pages(config: &mut ServiceConfig) {
    config
        .service(assets::get_asset)
        .service(verify::show_verify_page)
        .service(verify::verify_from_page)
        .service(verify::verify_file_from_page)
        .service(verify::read_frame_of_camera)
        .service(tokens::compare_holder)
        .service(receipts::download_receipt)
        .service(organisation::show_organisation)
        .service(offline::show_offline_page)
        .service(offline::download_offline_verifier)
        .configure(console::pages)
        .configure(console_authority::pages)
        .configure(console_organisation::pages)
        .configure(console_sessions::pages)
        .configure(console_certificates::pages)
        .configure(console_classes::pages)
        .configure(console_workers::pages)
        .configure(console_records::pages)
        .configure(console_credits::pages)
        .configure(console_competitions::pages)
        .configure(console_catalogue::pages)
        .configure(console_disputes::pages)
        .configure(bulk::pages)
        .configure(own::pages)
        .configure(own_affairs::pages)
        .configure(consent::pages);
}
