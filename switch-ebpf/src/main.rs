//! The BPF object: the programs that the kernel runs at its hooks.
#![no_std]
#![no_main]
#![feature(asm_experimental_arch)]

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "the kernel hands over small numbers in wide fields; a checked conversion would be a panic path, which the verifier refuses"
)]
mod hook;

#[panic_handler]
fn panic(_info: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}

/// The kernel lends some helpers only to programs under a licence compatible with the GPL.
#[unsafe(link_section = "license")]
#[unsafe(no_mangle)]
static LICENSE: [u8; 13] = *b"Dual MIT/GPL\0";
