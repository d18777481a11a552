//! Checks emitted machine code with an independent decoder: every byte belongs to a valid instruction, and every
//! instruction accesses only memory that the caller of a step provides.

use std::collections::HashSet;

use iced_x86::{
    CpuidFeature, Decoder, DecoderOptions, EncodingKind, FlowControl, Instruction, InstructionInfoFactory,
    Mnemonic, OpAccess, Register,
};

/// Registers that point to rows that a step may write: scratch and the state after the step.
const WRITABLE: [Register; 2] = [Register::RDX, Register::R12];
/// Registers that point to rows that a step only reads: the state before the step, both kinds of coefficients, and
/// past rows.
const READABLE: [Register; 4] = [Register::RSI, Register::RCX, Register::R8, Register::R9];
/// Registers that a step may change. Of these, `rbx` and `r12` must be preserved by the calling convention, so they
/// are saved and restored.
const FREE: [Register; 9] = [
    Register::RAX,
    Register::RCX,
    Register::RDX,
    Register::RSI,
    Register::R8,
    Register::R9,
    Register::R10,
    Register::R11,
    Register::RSP,
];
const RESTORED: [Register; 2] = [Register::RBX, Register::R12];

/// Checks the code of a step.
pub(super) fn check(code: &[u8]) {
    let instructions = decode(code);
    let starts: HashSet<u64> = instructions.iter().map(Instruction::ip).collect();
    let end = instructions.last().unwrap().next_ip();
    let pool = end.next_multiple_of(64)..code.len() as u64;
    assert!(code[end as usize..pool.start as usize].iter().all(|b| *b == 0xCC), "padding");
    // Either all vectors have 256 bits, or all have 512 bits.
    let is_wide = instructions.iter().any(|i| i.encoding() == EncodingKind::EVEX);
    let (size, registers) = if is_wide { (64, 32) } else { (32, 16) };
    assert_eq!((pool.end - pool.start) % size, 0, "the pool has whole vectors");
    let mut factory = InstructionInfoFactory::new();
    for instruction in &instructions {
        let text = format!("{instruction} at {:#x}", instruction.ip());
        for feature in instruction.cpuid_features() {
            let known = [CpuidFeature::AVX, CpuidFeature::AVX2, CpuidFeature::FMA, CpuidFeature::X64];
            let general = [CpuidFeature::INTEL8086, CpuidFeature::INTEL386];
            let wide = is_wide && [CpuidFeature::AVX512F, CpuidFeature::AVX512DQ].contains(feature);
            assert!(known.contains(feature) || general.contains(feature) || wide, "{text} needs {feature:?}");
        }
        match instruction.flow_control() {
            FlowControl::Next | FlowControl::Return => {}
            FlowControl::ConditionalBranch | FlowControl::UnconditionalBranch => {
                assert!(
                    starts.contains(&instruction.near_branch_target()),
                    "{text}: jumps into an instruction"
                );
            }
            other => panic!("{text}: {other:?}"),
        }
        let info = factory.info(instruction);
        for used in info.used_registers() {
            let full = used.register().full_register();
            let vector = (full.is_zmm() && full.number() < registers) || (is_wide && full == Register::K1);
            let changed =
                !matches!(used.access(), OpAccess::Read | OpAccess::CondRead | OpAccess::NoMemAccess);
            let allowed = vector || FREE.contains(&full) || RESTORED.contains(&full);
            assert!(!changed || allowed, "{text}: changes {full:?}");
        }
        for used in info.used_memory() {
            let writes =
                !matches!(used.access(), OpAccess::Read | OpAccess::CondRead | OpAccess::NoMemAccess);
            let at = used.displacement();
            let place = format!("{text}: {:?} {at:#x}", used.base());
            match used.base() {
                // For operands relative to the instruction pointer, the decoder returns the address.
                Register::None | Register::RIP => {
                    assert!(!writes && pool.contains(&at) && (at - pool.start) % size == 0, "{place}");
                }
                Register::RDI => assert!(!writes || instruction.mnemonic() == Mnemonic::Mov, "{place}"),
                Register::RBX => assert!(instruction.mnemonic() == Mnemonic::Or, "{place}"),
                Register::RSP => {}
                Register::R10 | Register::R11 => assert!(!writes, "{place}"),
                base if READABLE.contains(&base) => assert!(!writes, "{place}"),
                base => assert!(WRITABLE.contains(&base), "{place}"),
            }
        }
        let is_vector = instruction.op0_register().is_vector_register()
            || instruction.op1_register().is_vector_register();
        let encoding = if is_wide { EncodingKind::EVEX } else { EncodingKind::VEX };
        assert!(!is_vector || instruction.encoding() == encoding, "{text}: not a {encoding:?} encoding");
    }
    frame(&instructions);
}

/// Decodes all instructions up to the only `ret`.
fn decode(code: &[u8]) -> Vec<Instruction> {
    let mut decoder = Decoder::with_ip(64, code, 0, DecoderOptions::NONE);
    let mut instructions = Vec::new();
    while decoder.can_decode() {
        let instruction = decoder.decode();
        assert!(!instruction.is_invalid(), "{:02x?}", &code[instruction.ip() as usize..][..16]);
        instructions.push(instruction);
        if instruction.mnemonic() == Mnemonic::Ret {
            return instructions;
        }
    }
    panic!("no end");
}

/// Checks that saved registers are restored in reverse order, that the stack is released, and that the upper halves
/// of vectors are cleared.
fn frame(instructions: &[Instruction]) {
    let words: Vec<String> = instructions.iter().map(ToString::to_string).collect();
    let reserved = words[2].strip_prefix("sub rsp,").unwrap();
    let n = words.len();
    assert_eq!(words[..2], ["push rbx", "push r12"]);
    assert_eq!(words[n - 5], format!("add rsp,{reserved}"));
    assert_eq!(words[n - 4..], ["pop r12", "pop rbx", "vzeroupper", "ret"]);
    let stack = |i: &&Instruction| {
        matches!(i.mnemonic(), Mnemonic::Push | Mnemonic::Pop) || i.op0_register() == Register::RSP
    };
    assert_eq!(instructions.iter().filter(stack).count(), 6, "the stack moves only at both ends");
}
