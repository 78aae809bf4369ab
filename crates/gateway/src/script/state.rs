//! A Lua state for one request: what is in it, and what bounds it.
//!
//! Without open libraries there are the base library and `table`, with them `string`, `math`, and of `os` the clock, the
//! date and the environment. Scripts are the operator's, what they read is a stranger's: so binary code is not loaded from
//! strings, which Lua 5.1 does not check.

use std::cell::Cell;
use std::io::Write as _;
use std::rc::Rc;
use std::time::Instant;

use mlua::chunk::ChunkMode;
use mlua::{HookTriggers, Lua, LuaOptions, MultiValue, StdLib, Value, VmState};

use super::failure::Raised;
use super::value;

/// What one state may take.
pub(super) const MEMORY: usize = 32 << 20;
/// A second or so.
const INSTRUCTIONS: u64 = 100_000_000;
/// How often the bounds are looked at.
const STEP: u32 = 10_000;

/// Bounds and randomness of one run.
pub(super) struct Limits {
    pub(super) until: Instant,
    pub(super) seed: u64,
}

/// Puts guards around what could hold on to a state that is to end: an error that says so passes every `pcall`.
const PRELUDE: &str = r##"
local check, write, random, open = ...
local pcall, loadstring, type, select, tostring, concat = pcall, loadstring, type, select, tostring, table.concat
local function pass(...) check() return ... end
_G.pcall = function(...) return pass(pcall(...)) end
-- Lua's own runs the handler inside of the guard's error, where no guard looks.
_G.xpcall = function(run, handle)
  local function done(ok, ...)
    check()
    if ok then return ok, ... end
    return ok, handle(...)
  end
  return done(pcall(run))
end
_G.loadstring = function(text, name)
  if type(text) == "string" and text >= "\27" and text < "\28" then return nil, "binary code is not loaded" end
  return loadstring(text, name)
end
_G.print = function(...)
  local out = {}
  for i = 1, select("#", ...) do out[i] = tostring((select(i, ...))) end
  write(concat(out, "\t"))
end
_G.load, _G.loadfile, _G.dofile, _G.coroutine, _G.newproxy = nil
if open then
  math.random, math.randomseed = random, function() end
  string.dump = nil
  local os = os
  _G.os = { clock = os.clock, date = os.date, difftime = os.difftime, getenv = os.getenv, time = os.time }
end
"##;

/// The prelude, compiled.
pub(super) fn prelude() -> mlua::Result<Vec<u8>> {
    compile("prelude", PRELUDE)
}

/// Lua's binary code of `text`, with the lines in it.
pub(super) fn compile(name: &str, text: &str) -> mlua::Result<Vec<u8>> {
    let lua = Lua::new_with(StdLib::NONE, LuaOptions::default())?;
    lua.set_memory_limit(MEMORY)?;
    let function = lua.load(text).set_name(format!("={name}")).set_mode(ChunkMode::Text).into_function()?;
    Ok(function.dump(false))
}

/// Runs the prelude, then what `install` does, then the other chunks in order.
pub(super) fn run(
    chunks: &[Vec<u8>],
    open_libs: bool,
    limits: Limits,
    install: impl FnOnce(&Lua) -> mlua::Result<()>,
) -> mlua::Result<()> {
    let mut libs = StdLib::TABLE;
    if open_libs {
        libs |= StdLib::STRING | StdLib::MATH | StdLib::OS;
    }
    let lua = Lua::new_with(libs, LuaOptions::default())?;
    lua.set_memory_limit(MEMORY)?;
    let stopped = bound(&lua, limits.until)?;
    let check = lua.create_function(move |_, ()| if stopped.get() { Err(stop()) } else { Ok(()) })?;
    let write = lua.create_function(|_, line: mlua::LuaString| {
        // A closed standard error is no reason to fail a request.
        let _ = writeln!(std::io::stderr(), "lua: {}", line.to_string_lossy());
        Ok(())
    })?;
    let seed = Cell::new(limits.seed);
    let random = lua.create_function(move |_, arguments: MultiValue| random(&seed, &arguments))?;
    let mut chunks = chunks.iter();
    if let Some(prelude) = chunks.next() {
        load(&lua, prelude)?.call::<()>((check, write, random, open_libs))?;
    }
    lua.globals()
        .set("custom_error", lua.create_function(|lua, arguments| custom_error(lua, &arguments))?)?;
    value::install(&lua)?;
    install(&lua)?;
    for chunk in chunks {
        load(&lua, chunk)?.call::<()>(())?;
    }
    Ok(())
}

fn load(lua: &Lua, chunk: &[u8]) -> mlua::Result<mlua::Function> {
    lua.load(chunk).set_mode(ChunkMode::Binary).into_function()
}

/// Ends what runs too long; the cell says that it did.
fn bound(lua: &Lua, until: Instant) -> mlua::Result<Rc<Cell<bool>>> {
    let stopped = Rc::new(Cell::new(false));
    let (cell, steps) = (stopped.clone(), Cell::new(0_u64));
    lua.set_hook(HookTriggers::new().every_nth_instruction(STEP), move |_, _| {
        steps.set(steps.get() + 1);
        if steps.get() * u64::from(STEP) > INSTRUCTIONS || Instant::now() >= until {
            cell.set(true);
        }
        if cell.get() { Err(stop()) } else { Ok(VmState::Continue) }
    })?;
    Ok(stopped)
}

fn stop() -> mlua::Error {
    mlua::Error::runtime("the script ran too long")
}

/// As Lua's own: a fraction without arguments, else a whole number of the range, both ends included.
fn random(state: &Cell<u64>, arguments: &MultiValue) -> mlua::Result<f64> {
    let next = state.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
    state.set(next);
    let draw = mix(next);
    let number = |argument: &Value| {
        let number = value::number(argument).filter(|number| number.is_finite()).map(f64::floor);
        number.ok_or_else(|| mlua::Error::runtime("bad argument to 'random' (number expected)"))
    };
    let mut arguments = arguments.iter();
    let (low, high) = match (arguments.next(), arguments.next()) {
        // 53 bits are what a number holds.
        (None, _) => return Ok((draw >> 11) as f64 / (1_u64 << 53) as f64),
        (Some(high), None) => (1.0, number(high)?),
        (Some(low), Some(high)) => (number(low)?, number(high)?),
    };
    let span = high - low + 1.0;
    if !(1.0..=9_007_199_254_740_992.0).contains(&span) {
        return Err(mlua::Error::runtime("bad argument to 'random' (interval is empty)"));
    }
    // Multiplying keeps the bias below one in 2^11 even for the largest span, and far below for any that is used.
    let offset = (u128::from(draw) * span as u128) >> 64;
    Ok(low + offset as f64)
}

/// The mixing step of SplitMix64.
const fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// `custom_error(message, status, content_type)`: ends the script; the content type is that of a body, and there is none.
fn custom_error(lua: &Lua, arguments: &MultiValue) -> mlua::Result<()> {
    let mut arguments = arguments.iter();
    let message = arguments.next().ok_or_else(|| mlua::Error::runtime("need arguments"))?;
    let message = String::from_utf8_lossy(&value::text(lua, message)?).into_owned();
    // A status beyond any is none.
    let status = arguments.next().and_then(value::number).map(|number| number as u16);
    Err(mlua::Error::external(Raised { message, status }))
}
