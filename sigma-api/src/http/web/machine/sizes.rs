//! How large a machine is: what was bought, what was measured, and how much of it is used.

use sigma_protocol::SystemInfo;

use crate::http::web::row::{self, Meter, percent};
use crate::http::web::words::mib;
use crate::model::delivery::{Bought, Shortfall};
use crate::model::vps::{Reported, Vps};

/// Cores, memory or disk.
pub(super) struct Size {
    pub(super) name: &'static str,
    pub(super) bought: Option<String>,
    pub(super) measured: Option<String>,
    /// Whether it is less than was bought.
    pub(super) is_less: bool,
}

/// What was measured with the last beat.
#[derive(Default)]
pub(super) struct Now {
    pub(super) load: Option<Load>,
    pub(super) memory: Option<Meter>,
    pub(super) swap: Option<Meter>,
    pub(super) disk: Option<Meter>,
}

/// Load of the last 1, 5 and 15 minutes.
pub(super) struct Load {
    /// The last minute, of the cores.
    pub(super) meter: Meter,
    pub(super) five: String,
    pub(super) fifteen: String,
}

/// Cores, memory and disk of a machine.
pub(super) fn sizes(vps: &Vps) -> Vec<Size> {
    let info = vps.reported.as_ref().map(|reported| &reported.system_info);
    let measured = Bought {
        cpu_cores: info.and_then(|info| info.cpu_cores),
        ram_mb: info.and_then(|info| info.ram_mb),
        disk_gb: info.and_then(|info| info.disk_gb),
    };
    let bought = Bought::of(vps);
    let less = bought.shortfalls(measured);
    let lacks = |is: fn(&Shortfall) -> bool| less.iter().any(is);
    let size = |name, bought, measured, is_less| Size { name, bought, measured, is_less };
    let gib = |gb: u64| format!("{gb} GiB");
    vec![
        size(
            "Cores",
            bought.cpu_cores.map(|n| n.to_string()),
            measured.cpu_cores.map(|n| n.to_string()),
            lacks(|less| matches!(less, Shortfall::Cores { .. })),
        ),
        size(
            "Memory",
            bought.ram_mb.map(exact_mib),
            measured.ram_mb.map(exact_mib),
            lacks(|less| matches!(less, Shortfall::Memory { .. })),
        ),
        size(
            "Disk",
            bought.disk_gb.map(gib),
            measured.disk_gb.map(gib),
            lacks(|less| matches!(less, Shortfall::Disk { .. })),
        ),
    ]
}

/// Of what there is less than was bought, with both numbers.
pub(super) fn less_than_bought(sizes: &[Size]) -> String {
    let lacking = sizes.iter().filter(|size| size.is_less).filter_map(|size| {
        let name = size.name.to_lowercase();
        Some(format!("{name}: {} of {}", size.measured.as_ref()?, size.bought.as_ref()?))
    });
    lacking.collect::<Vec<_>>().join("; ")
}

/// Both numbers of a comparison are to be as exact as they are.
fn exact_mib(mb: u64) -> String {
    if mb >= 1024 && mb.is_multiple_of(1024) { format!("{} GiB", mb / 1024) } else { format!("{mb} MiB") }
}

/// How it was with the last beat.
pub(super) fn now(reported: &Reported) -> Now {
    let info = &reported.system_info;
    Now { load: load(info), memory: row::memory(reported), swap: swap(info), disk: row::disk(reported) }
}

fn load(info: &SystemInfo) -> Option<Load> {
    let [one, five, fifteen] = info.load_avg?;
    let (text, share) = match info.cpu_cores.filter(|cores| *cores > 0) {
        Some(1) => (format!("{one:.2} of 1 core"), Some(percent(one, 1.0))),
        Some(cores) => (format!("{one:.2} of {cores} cores"), Some(percent(one, f64::from(cores)))),
        None => (format!("{one:.2}"), None),
    };
    Some(Load { meter: Meter::of(text, share), five: format!("{five:.2}"), fifteen: format!("{fifteen:.2}") })
}

fn swap(info: &SystemInfo) -> Option<Meter> {
    let (used, all) = (info.swap_used_mb?, info.swap_mb?);
    let share = used.saturating_mul(100).checked_div(all)?;
    Some(Meter::new(format!("{} of {}", mib(used), mib(all)), share))
}
