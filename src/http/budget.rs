//! What an address may ask for in a minute: of what costs more than an answer, and of guesses.

use super::AppState;
use super::auth::OptionalCaller;
use super::problem::Problem;
use crate::domain::text::Text;
use actix_web::HttpRequest;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

const WINDOW: Duration = Duration::from_secs(60);

/// How often each address has had something in this minute.
#[derive(Default)]
pub struct Budget(Mutex<HashMap<IpAddr, (u32, Instant)>>);

/// The budgets of this node.
#[derive(Default)]
pub struct Budgets {
    /// Answers `not_found` to addresses without a token.
    pub not_found: Budget,
    /// Pictures of a camera, and photographs.
    pub pictures: Budget,
    /// Receipts.
    pub receipts: Budget,
}

impl Budget {
    /// Seconds to wait, if the budget is used up.
    fn wait(&self, address: IpAddr, most: u32) -> Option<u64> {
        let used = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (count, since) = used.get(&address)?;
        let left = WINDOW.checked_sub(since.elapsed())?;
        (*count >= most).then_some(left.as_secs() + 1)
    }

    pub(super) fn spend(&self, address: IpAddr) {
        let mut used = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if used.len() >= 10_000 {
            used.retain(|_, (_, since)| since.elapsed() < WINDOW);
        }
        let entry = used.entry(address).or_insert((0, Instant::now()));
        if entry.1.elapsed() >= WINDOW {
            *entry = (0, Instant::now());
        }
        entry.0 += 1;
    }
}

/// The address to count a guess for: of nobody when a token says who is asking, or when there is no limit.
pub(super) fn counted_address(state: &AppState, request: &HttpRequest, caller: &OptionalCaller) -> Result<Option<IpAddr>, Problem> {
    let most = state.registry.config.not_found_per_minute;
    if caller.0.is_some() || most == 0 {
        return Ok(None);
    }
    let Some(address) = super::client_address::of(request, &state.registry.config) else { return Ok(None) };
    match state.budgets.not_found.wait(address, most) {
        Some(seconds) => {
            let detail = Text::new(format!("{most} verifications in a minute found nothing; wait, or ask with an access token"), format!("一分钟内已有 {most} 次查询无结果，请稍后再试，或使用访问令牌"));
            Err(Problem::too_many(detail, seconds))
        }
        None => Ok(Some(address)),
    }
}

/// Counts one picture or receipt, before any work is done for it; each kind by itself.
pub(super) fn count(state: &AppState, request: &HttpRequest, of: fn(&Budgets) -> &Budget) -> Result<(), Problem> {
    let most = state.registry.config.pictures_per_minute;
    let Some(address) = super::client_address::of(request, &state.registry.config).filter(|_| most > 0) else { return Ok(()) };
    let budget = of(&state.budgets);
    if let Some(seconds) = budget.wait(address, most) {
        let detail = Text::new(format!("{most} pictures or receipts in a minute; wait"), format!("一分钟内已有 {most} 次图片或回执请求，请稍后再试"));
        return Err(Problem::too_many(detail, seconds));
    }
    budget.spend(address);
    Ok(())
}
