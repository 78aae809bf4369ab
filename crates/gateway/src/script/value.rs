//! `luaTable`, `luaList`, `luaNil`: JSON values as KrakenD hands them to Lua.
//!
//! They are references: what is got from a table and changed has changed in the table. A list counts from 0. JSON's `null` is
//! a value of its own, not Lua's `nil`. A Lua table that is put in becomes an object, even `{"a", "b"}`; only tables within
//! it that count from 1 become lists. What is put in is copied, so that nothing can hold itself.
//!
//! These values are not in Lua's own memory, so what is put in is counted, and bounded by the same number.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use mlua::{Lua, MultiValue, Table, UserData, UserDataMethods, Value};

use super::state::MEMORY;

/// Tables within tables, and gaps that a list is filled with.
const MAX_DEPTH: usize = 64;
const MAX_LENGTH: usize = 100_000;

/// A JSON value that Lua may hold.
#[derive(Debug, Clone)]
pub(super) enum Item {
    Null,
    Bool(bool),
    Number(f64),
    Text(Vec<u8>),
    Table(Rc<RefCell<BTreeMap<String, Item>>>),
    List(Rc<RefCell<Vec<Item>>>),
}

#[derive(Clone)]
struct LuaTable(Rc<RefCell<BTreeMap<String, Item>>>);

#[derive(Clone)]
struct LuaList(Rc<RefCell<Vec<Item>>>);

#[derive(Clone, Copy)]
struct LuaNil;

/// Bytes that were put in so far, as data of the state.
#[derive(Default)]
struct Held(usize);

impl UserData for LuaNil {}

/// The three constructors.
pub(super) fn install(lua: &Lua) -> mlua::Result<()> {
    lua.set_app_data(Held::default());
    let globals = lua.globals();
    for (name, make) in [
        ("luaTable", (|| Item::table([])) as fn() -> Item),
        ("luaList", || Item::list(Vec::new())),
        ("luaNil", || Item::Null),
    ] {
        let table = lua.create_table_with_capacity(0, 1)?;
        table.set("new", lua.create_function(move |lua, _: MultiValue| make().into_value(lua))?)?;
        globals.set(name, table)?;
    }
    Ok(())
}

/// Counts what is put in outside of Lua's memory.
pub(super) fn hold(lua: &Lua, bytes: usize) -> mlua::Result<()> {
    let mut held = lua.app_data_mut::<Held>().ok_or_else(|| mlua::Error::runtime("no memory"))?;
    held.0 = held.0.saturating_add(bytes);
    if held.0 > MEMORY {
        Err(mlua::Error::MemoryError("the script holds too much".to_owned()))
    } else {
        Ok(())
    }
}

/// Text, or a number as text: what KrakenD takes for a string.
pub(super) fn text(lua: &Lua, value: &Value) -> mlua::Result<Vec<u8>> {
    let text = match value {
        Value::String(_) | Value::Integer(_) | Value::Number(_) => lua.coerce_string(value.clone())?,
        _ => None,
    };
    let text =
        text.ok_or_else(|| mlua::Error::runtime(format!("string expected, got {}", value.type_name())))?;
    Ok(text.as_bytes().to_vec())
}

/// The same, as UTF-8.
pub(super) fn string(lua: &Lua, value: &Value) -> mlua::Result<String> {
    Ok(String::from_utf8_lossy(&text(lua, value)?).into_owned())
}

/// A number of either kind: whole ones come as integers.
pub(super) const fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Integer(number) => Some(*number as f64),
        Value::Number(number) => Some(*number),
        _ => None,
    }
}

impl Item {
    pub(super) fn table(entries: impl IntoIterator<Item = (String, Item)>) -> Self {
        Self::Table(Rc::new(RefCell::new(entries.into_iter().collect())))
    }

    pub(super) fn list(items: Vec<Item>) -> Self {
        Self::List(Rc::new(RefCell::new(items)))
    }

    pub(super) fn as_text(&self) -> Option<Vec<u8>> {
        match self {
            Self::Text(text) => Some(text.clone()),
            _ => None,
        }
    }

    pub(super) fn into_value(self, lua: &Lua) -> mlua::Result<Value> {
        Ok(match self {
            Self::Bool(value) => Value::Boolean(value),
            Self::Number(value) => Value::Number(value),
            Self::Text(text) => Value::String(lua.create_string(text)?),
            Self::Null => Value::UserData(lua.create_userdata(LuaNil)?),
            Self::Table(entries) => Value::UserData(lua.create_userdata(LuaTable(entries))?),
            Self::List(items) => Value::UserData(lua.create_userdata(LuaList(items))?),
        })
    }

    /// A `luaTable`, `luaList` or `luaNil`.
    pub(super) fn from_user_data(value: &Value) -> Option<Self> {
        let data = value.as_userdata()?;
        if let Ok(table) = data.borrow::<LuaTable>() {
            return Some(Self::Table(table.0.clone()));
        }
        if let Ok(list) = data.borrow::<LuaList>() {
            return Some(Self::List(list.0.clone()));
        }
        data.is::<LuaNil>().then_some(Self::Null)
    }

    /// What is put in; `None` for what KrakenD passes over: functions and `nil`.
    fn from_value(lua: &Lua, value: &Value, depth: usize) -> mlua::Result<Option<Self>> {
        if depth == MAX_DEPTH {
            return Err(too_deep());
        }
        hold(lua, size_of::<Self>())?;
        Ok(match value {
            Value::Boolean(value) => Some(Self::Bool(*value)),
            Value::Integer(_) | Value::Number(_) => number(value).map(Self::Number),
            Value::String(text) => {
                let text = text.as_bytes();
                hold(lua, text.len())?;
                Some(Self::Text(text.to_vec()))
            }
            Value::Table(table) => Some(Self::from_table(lua, table, depth)?),
            Value::UserData(_) => {
                Self::from_user_data(value).map(|item| item.copy(lua, depth)).transpose()?
            }
            _ => None,
        })
    }

    /// The content, apart from its own references.
    fn copy(&self, lua: &Lua, depth: usize) -> mlua::Result<Self> {
        if depth == MAX_DEPTH {
            return Err(too_deep());
        }
        hold(lua, size_of::<Self>())?;
        Ok(match self {
            Self::Table(entries) => {
                let copied = entries
                    .borrow()
                    .iter()
                    .map(|(key, item)| {
                        hold(lua, key.len())?;
                        Ok((key.clone(), item.copy(lua, depth + 1)?))
                    })
                    .collect::<mlua::Result<Vec<_>>>()?;
                Self::table(copied)
            }
            Self::List(items) => {
                let items = items.borrow();
                Self::list(items.iter().map(|item| item.copy(lua, depth + 1)).collect::<mlua::Result<_>>()?)
            }
            Self::Text(text) => {
                hold(lua, text.len())?;
                self.clone()
            }
            Self::Null | Self::Bool(_) | Self::Number(_) => self.clone(),
        })
    }

    fn from_table(lua: &Lua, table: &Table, depth: usize) -> mlua::Result<Self> {
        let length = table.raw_len();
        let mut entries = BTreeMap::new();
        let mut items = Vec::new();
        for pair in table.pairs::<Value, Value>() {
            let (key, value) = pair?;
            let Some(item) = Self::from_value(lua, &value, depth + 1)? else { continue };
            items.push(item.clone());
            entries.insert(key.to_string()?, item);
        }
        Ok(match depth {
            0 => Self::table(entries),
            _ if entries.is_empty() => Self::Null,
            _ if length == items.len() => Self::list(items),
            _ => Self::table(entries),
        })
    }
}

fn too_deep() -> mlua::Error {
    mlua::Error::runtime("this is nested too deeply")
}

impl UserData for LuaTable {
    fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
        methods.add_method("get", |lua, this, key: Value| {
            let key = string(lua, &key)?;
            let item = this.0.borrow().get(&key).cloned();
            item.map_or(Ok(Value::Nil), |item| item.into_value(lua))
        });
        methods.add_method("set", |lua, this, (key, value): (Value, Value)| {
            let key = string(lua, &key)?;
            hold(lua, key.len())?;
            if let Some(item) = Item::from_value(lua, &value, 0)? {
                this.0.borrow_mut().insert(key, item);
            }
            Ok(())
        });
        methods.add_method("len", |_, this, ()| Ok(this.0.borrow().len()));
        methods.add_method("del", |lua, this, key: Value| {
            this.0.borrow_mut().remove(&string(lua, &key)?);
            Ok(())
        });
        methods.add_method("keys", |lua, this, ()| {
            let keys = this.0.borrow().keys().map(|key| Item::Text(key.clone().into_bytes())).collect();
            Item::list(keys).into_value(lua)
        });
        methods.add_method("keyExists", |lua, this, key: Value| {
            Ok(this.0.borrow().contains_key(&string(lua, &key)?))
        });
    }
}

impl UserData for LuaList {
    fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
        methods.add_method("get", |lua, this, index: i64| {
            let item = usize::try_from(index).ok().and_then(|index| this.0.borrow().get(index).cloned());
            item.map_or(Ok(Value::Nil), |item| item.into_value(lua))
        });
        methods.add_method("set", |lua, this, (index, value): (i64, Value)| {
            let Ok(index) = usize::try_from(index) else { return Ok(()) };
            let Some(item) = Item::from_value(lua, &value, 0)? else { return Ok(()) };
            if index >= MAX_LENGTH {
                return Err(mlua::Error::runtime("this list is too long"));
            }
            let mut items = this.0.borrow_mut();
            if index >= items.len() {
                hold(lua, (index - items.len()) * size_of::<Item>())?;
                items.resize(index + 1, Item::Null);
            }
            items[index] = item;
            Ok(())
        });
        methods.add_method("len", |_, this, ()| Ok(this.0.borrow().len()));
        methods.add_method("del", |_, this, index: i64| {
            let mut items = this.0.borrow_mut();
            if let Some(index) = usize::try_from(index).ok().filter(|index| *index < items.len()) {
                items.remove(index);
            }
            Ok(())
        });
    }
}
