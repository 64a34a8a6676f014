//! Trees to statements that can be carried out: values converted, paths checked, conditions and updates built.

use std::collections::HashSet;
use std::hash::Hash;
use std::sync::Arc;

use model::limits::NESTING_LEVELS_MAX;
use model::{AttributeValue, Item, Number, NumberError};

use super::syntax::{self, Call, Change, Column, Expr, Step};
use super::{
    DeleteStatement, InsertStatement, OrderBy, Returning, SelectStatement, Selection, Statement,
    StatementFault, UpdateStatement,
};
use crate::Fault;
use crate::ast::{Comparator, Sign};
use crate::bind::{attribute_type, check_bounds, list_index, refuse_type, refuse_unordered, size_of};
use crate::condition::{AttributeType, Condition, Operand, Rule, RuleId, Source, Test};
use crate::path::{self, DocumentPath, PathTree};
use crate::update::{Action, Assigned, Dialect, Update, is_set, levels};

/// DynamoDB: developer guide, "PartiQL operators": at most 100 values that are not of a partition key.
const IN_VALUES_MAX: usize = 100;

type Lowered<T> = Result<T, StatementFault>;

pub(super) fn statement(statement: syntax::Statement, parameters: &[AttributeValue]) -> Lowered<Statement> {
    let lower = Lower { parameters };
    Ok(match statement {
        syntax::Statement::Select(select) => Statement::Select(lower.select(select)?),
        syntax::Statement::Exists(select) => Statement::Exists(lower.select(select)?),
        syntax::Statement::Insert { into, place, item } => {
            let (table, index) = source(into)?;
            if index.is_some() {
                return Err(StatementFault::IndexInInsert(place));
            }
            Statement::Insert(InsertStatement { table, item: lower.item(&item)? })
        }
        syntax::Statement::Update { from, changes, condition, returning } => {
            Statement::Update(UpdateStatement {
                table: written_table(from)?,
                update: lower.update(changes)?,
                condition: condition.map(|condition| lower.condition(&condition)).transpose()?,
                returning: returning.as_deref().and_then(Returning::parse),
            })
        }
        syntax::Statement::Delete { from, condition, returning } => {
            let returning = returning.as_deref().and_then(Returning::parse);
            if let Some(returning) = returning.filter(|returning| *returning != Returning::AllOld) {
                return Err(StatementFault::ReturningInDelete(returning));
            }
            Statement::Delete(DeleteStatement {
                table: written_table(from)?,
                condition: condition.map(|condition| lower.condition(&condition)).transpose()?,
                returning,
            })
        }
        syntax::Statement::Expression(expr) => return Err(StatementFault::Operation(expr.name())),
    })
}

/// Table and index of a path.
fn source(parts: Vec<String>) -> Lowered<(String, Option<String>)> {
    if parts.len() > 2 {
        return Err(StatementFault::TooManyComponents);
    }
    if parts.iter().any(String::is_empty) {
        return Err(StatementFault::EmptyComponent);
    }
    let mut parts = parts.into_iter();
    let table = parts.next().expect("a path has a first component");
    Ok((table, parts.next()))
}

fn written_table(parts: Vec<String>) -> Lowered<String> {
    match source(parts)? {
        (table, None) => Ok(table),
        (_table, Some(_)) => Err(StatementFault::IndexInWrite),
    }
}

struct Lower<'p> {
    parameters: &'p [AttributeValue],
}

impl Lower<'_> {
    fn select(&self, select: syntax::Select) -> Lowered<SelectStatement> {
        let (table, index) = source(select.from)?;
        let column = |column: Column| match &column.expr {
            Expr::Path(steps) => document_path(steps),
            _ => Err(StatementFault::UnexpectedComponent(column.place)),
        };
        let columns = select.columns.map(|columns| columns.into_iter().map(column).collect()).transpose()?;
        let order = select.order.into_iter().map(|term| match term.expr {
            Expr::Path(steps) if steps.len() == 1 => {
                let attribute = document_path(&steps)?.attribute().to_owned();
                Ok(OrderBy { attribute, is_descending: term.is_descending })
            }
            other => Err(StatementFault::OrderOf(other.name())),
        });
        Ok(SelectStatement {
            table,
            index,
            selection: columns.map(Selection::of).transpose()?,
            condition: select.condition.map(|condition| self.condition(&condition)).transpose()?,
            order: order.collect::<Lowered<_>>()?,
        })
    }

    fn item(&self, expr: &Expr) -> Lowered<Item> {
        let Expr::Struct(members) = expr else { return Err(StatementFault::ItemSyntax) };
        // DynamoDB: each attribute is the root of its own value (conformance suite, numbers).
        let item = self.members(members, "root", |_name| "root".to_owned())?;
        if item.get("").is_some() {
            return Err(StatementFault::EmptyName);
        }
        match item.iter().map(|(_name, value)| levels(value)).max() {
            Some(deepest) if deepest > NESTING_LEVELS_MAX => Err(StatementFault::TooDeep),
            _ => Ok(item),
        }
    }

    fn members(
        &self,
        members: &[(Expr, Expr)],
        under: &str,
        place: impl Fn(&str) -> String,
    ) -> Lowered<Item> {
        let mut item = Item::new();
        for (key, value) in members {
            let Expr::Text(name) = key else {
                return Err(StatementFault::KeyType { found: key.name(), under: under.to_owned() });
            };
            let value = self.value_at(value, &place(name))?;
            if item.insert(name, value).is_some() {
                return Err(StatementFault::DuplicateKey { key: name.clone(), under: under.to_owned() });
            }
        }
        Ok(item)
    }

    /// A whole value.
    fn value(&self, expr: &Expr) -> Lowered<AttributeValue> {
        let value = self.value_at(expr, "root")?;
        match levels(&value) {
            0..=NESTING_LEVELS_MAX => Ok(value),
            _ => Err(StatementFault::TooDeep),
        }
    }

    fn value_at(&self, expr: &Expr, under: &str) -> Lowered<AttributeValue> {
        Ok(match expr {
            Expr::Text(text) => AttributeValue::S(text.clone()),
            Expr::Number(text) => AttributeValue::N(number(text, under)?),
            Expr::Bool(value) => AttributeValue::Bool(*value),
            Expr::Null => AttributeValue::Null,
            Expr::Parameter(place) => self.parameters[*place].clone(),
            Expr::List(elements) => {
                let elements = elements.iter().enumerate();
                let element = |(place, each)| self.value_at(each, &format!("{under}[{place}]"));
                AttributeValue::L(elements.map(element).collect::<Lowered<_>>()?)
            }
            Expr::Struct(members) => {
                AttributeValue::M(self.members(members, under, |name| format!("{under}.{name}"))?)
            }
            Expr::Bag(elements) => bag(elements, under)?,
            Expr::Missing => return Err(StatementFault::Missing),
            Expr::Call(Call { function, place, .. }) => {
                let (function, under) = (function.clone(), under.to_owned());
                return Err(StatementFault::CalledValue { function, under, place: *place });
            }
            other => {
                return Err(StatementFault::ValueType { found: other.name(), under: under.to_owned() });
            }
        })
    }

    fn condition(&self, expr: &Expr) -> Lowered<Condition> {
        let mut rules = Rules { lower: self, rules: Vec::new() };
        rules.add(expr, &StatementFault::NoCondition)?;
        Ok(Condition::new(rules.rules))
    }

    fn operand(&self, expr: &Expr) -> Lowered<Operand> {
        Ok(match expr {
            Expr::Path(steps) => Operand::Source(Source::Path(document_path(steps)?)),
            Expr::Call(Call { function, arguments, .. }) if function == "size" => {
                let [measured] = arguments_of::<1>(function, arguments)?;
                size_of(self.operand(measured)?)?
            }
            Expr::Call(call) => return Err(unknown(call)),
            Expr::Operator(operator, _) => return Err(StatementFault::ConditionOperator(operator)),
            value => Operand::Source(Source::Value(Arc::new(self.value(value)?))),
        })
    }

    fn update(&self, changes: Vec<Change>) -> Lowered<Update> {
        let mut actions = Vec::with_capacity(changes.len());
        for change in &changes {
            let (Change::Set(target, _) | Change::Remove(target)) = change;
            let Expr::Path(steps) = target else { return Err(StatementFault::Target(target.name())) };
            let path = document_path(steps)?;
            let action = match change {
                Change::Remove(_) => Action::Remove,
                Change::Set(_, value) => self.assignment(&path, value)?,
            };
            actions.push((path, action));
        }
        let touched = PathTree::of(actions.iter().enumerate().map(|(place, (path, _))| (path, place)))?;
        Ok(Update::new(Dialect::Expression, actions, touched))
    }

    fn assignment(&self, target: &DocumentPath, value: &Expr) -> Lowered<Action> {
        let (call, action) = match value {
            Expr::Call(call) if call.function == "set_add" => (call, "ADD"),
            Expr::Call(call) if call.function == "set_delete" => (call, "DELETE"),
            other => return self.assigned(other).map(Action::Set),
        };
        let Call { arguments, place, inner_place, .. } = call;
        let [first, second] = arguments.as_slice() else {
            return Err(StatementFault::SetArguments { action, place: *place });
        };
        match first {
            Expr::Path(steps) if document_path(steps)? == *target => {}
            _ => return Err(StatementFault::SetTarget { action, place: *place }),
        }
        let no_set = StatementFault::SetValue { action, place: *inner_place };
        let set = match second {
            Expr::Bag(_) | Expr::Parameter(_) => self.value(second)?,
            _ => return Err(no_set),
        };
        match (is_set(&set), action) {
            (false, _) => Err(no_set),
            (true, "ADD") => Ok(Action::Add(Arc::new(set))),
            (true, _) => Ok(Action::Delete(Arc::new(set))),
        }
    }

    fn assigned(&self, expr: &Expr) -> Lowered<Assigned> {
        Ok(match expr {
            Expr::Path(steps) => Assigned::Path(document_path(steps)?),
            Expr::Call(Call { function, arguments, .. }) if function == "list_append" => {
                let [front, back] = arguments_of::<2>(function, arguments)?;
                Assigned::Joined(Box::new([self.assigned(front)?, self.assigned(back)?]))
            }
            Expr::Call(Call { function, arguments, .. }) if function == "if_not_exists" => {
                let [path, default] = arguments_of::<2>(function, arguments)?;
                let Expr::Path(steps) = path else { return Err(Fault::NeedsPath(function.clone()).into()) };
                Assigned::IfNotExists(document_path(steps)?, Box::new(self.assigned(default)?))
            }
            Expr::Call(call) => return Err(unknown(call)),
            Expr::Operator(operator @ ("+" | "-"), operands) => {
                let sign = if *operator == "+" { Sign::Plus } else { Sign::Minus };
                let [left, right] = operands.as_ref();
                Assigned::Sum(sign, Box::new([self.assigned(left)?, self.assigned(right)?]))
            }
            Expr::Operator(operator, _) => return Err(StatementFault::UpdateOperator(operator)),
            value => Assigned::Value(Arc::new(self.value(value)?)),
        })
    }
}

/// The rules of a condition as they come, parts before wholes.
struct Rules<'l, 'p> {
    lower: &'l Lower<'p>,
    rules: Vec<Rule>,
}

impl Rules<'_, '_> {
    fn push(&mut self, rule: Rule) -> RuleId {
        self.rules.push(rule);
        self.rules.len() - 1
    }

    /// As deep as the parser allows. `otherwise` is what is wrong with what is no condition at all.
    fn add(&mut self, expr: &Expr, otherwise: &StatementFault) -> Lowered<RuleId> {
        let rule = match expr {
            Expr::All(operands) => Rule::All(self.add_each(operands)?),
            Expr::Any(operands) => Rule::Any(self.add_each(operands)?),
            Expr::Not(inner) => Rule::Not(self.add(inner, &StatementFault::Negated)?),
            Expr::Compare(comparator, operands) => return self.comparison(*comparator, operands),
            Expr::Between(operands) => {
                let [value, low, high] = operands.as_ref();
                let (value, low, high) =
                    (self.lower.operand(value)?, self.lower.operand(low)?, self.lower.operand(high)?);
                refuse_unordered("BETWEEN", &[&value, &low, &high])?;
                check_bounds(&low, &high)?;
                Rule::Test(Test::Between(value, low, high))
            }
            Expr::In(value, list) => {
                if !matches!(value.as_ref(), Expr::Path(_)) || list.is_empty() {
                    return Err(StatementFault::InOperands);
                }
                if list.len() > IN_VALUES_MAX {
                    return Err(Fault::TooManyInOperands { count: list.len() }.into());
                }
                let list = list.iter().map(|each| self.lower.operand(each)).collect::<Lowered<_>>()?;
                Rule::Test(Test::In(self.lower.operand(value)?, list))
            }
            Expr::Is(value, kind) => Rule::Test(self.is(value, kind)?),
            Expr::Call(call) => Rule::Test(self.call(call)?),
            Expr::Operator(operator, _) => return Err(StatementFault::ConditionOperator(operator)),
            _ => return Err(otherwise.clone()),
        };
        Ok(self.push(rule))
    }

    fn add_each(&mut self, operands: &[Expr]) -> Lowered<Vec<RuleId>> {
        operands.iter().map(|operand| self.add(operand, &StatementFault::Joined)).collect()
    }

    /// DynamoDB: what is not there is not unlike anything either, other than in a ConditionExpression, while
    /// NOT turns an equality around (conformance suite, comparisons, by way of dynoxide's captures).
    fn comparison(&mut self, comparator: Comparator, [one, two]: &[Expr; 2]) -> Lowered<RuleId> {
        // `attribute_exists(a) = true` says what `attribute_exists(a)` says.
        if let (Expr::Call(call), Expr::Bool(expected)) = (one, two)
            && call.function != "size"
            && !comparator.is_ordering()
        {
            let test = Rule::Test(self.call(call)?);
            let test = self.push(test);
            let holds = *expected == (comparator == Comparator::Equal);
            return Ok(if holds { test } else { self.push(Rule::Not(test)) });
        }
        let (one, two) = (self.lower.operand(one)?, self.lower.operand(two)?);
        if comparator.is_ordering() {
            refuse_unordered(comparator.as_str(), &[&one, &two])?;
        }
        let paths = [&one, &two].map(|operand| match operand {
            Operand::Source(Source::Path(path)) => Some(path.clone()),
            _ => None,
        });
        let test = self.push(Rule::Test(Test::Compare(comparator, one, two)));
        if comparator != Comparator::NotEqual {
            return Ok(test);
        }
        let mut all = vec![test];
        all.extend(paths.into_iter().flatten().map(|path| self.push(Rule::Test(Test::Exists(path)))));
        Ok(self.push(Rule::All(all)))
    }

    /// DynamoDB: only what is stored as NULL is NULL, what is missing is not (checked against the service by
    /// floci's authors).
    fn is(&self, value: &Expr, kind: &str) -> Lowered<Test> {
        let Expr::Path(steps) = value else { return Err(StatementFault::IsOperand) };
        let path = document_path(steps)?;
        let name = match kind {
            "MISSING" => return Ok(Test::NotExists(path)),
            "NULL" => "NULL",
            "BOOL" | "BOOLEAN" => "BOOL",
            "BLOB" => "B",
            "STRING" => "S",
            "NUMERIC" => "N",
            "STRUCT" | "TUPLE" => "M",
            "LIST" => "L",
            other => return Err(StatementFault::IsType(other.to_owned())),
        };
        let kind = AttributeType::parse(name).expect("these are names of types");
        Ok(Test::Type(Operand::Source(Source::Path(path)), kind))
    }

    fn call(&self, call: &Call) -> Lowered<Test> {
        let (function, arguments) = (call.function.as_str(), call.arguments.as_slice());
        let path = |expr: &Expr| match expr {
            Expr::Path(steps) => document_path(steps),
            _ => Err(Fault::NeedsPath(function.to_owned()).into()),
        };
        let both = || {
            let [one, two] = arguments_of::<2>(function, arguments)?;
            Ok::<_, StatementFault>((self.lower.operand(one)?, self.lower.operand(two)?))
        };
        Ok(match function {
            "attribute_exists" => Test::Exists(path(arguments_of::<1>(function, arguments)?[0])?),
            "attribute_not_exists" => Test::NotExists(path(arguments_of::<1>(function, arguments)?[0])?),
            "attribute_type" => {
                let (value, kind) = both()?;
                Test::Type(value, attribute_type(&kind)?)
            }
            "begins_with" => {
                let (text, prefix) = both()?;
                for operand in [&text, &prefix] {
                    refuse_type(function, operand, |value| {
                        !matches!(value, AttributeValue::S(_) | AttributeValue::B(_))
                    })?;
                }
                Test::BeginsWith(text, prefix)
            }
            "contains" => {
                let (whole, part) = both()?;
                Test::Contains(whole, part)
            }
            "size" => return Err(StatementFault::NoCondition),
            _ => return Err(unknown(call)),
        })
    }
}

fn unknown(call: &Call) -> StatementFault {
    StatementFault::UnknownFunction { function: call.function.clone(), place: call.place }
}

fn arguments_of<'e, const N: usize>(function: &str, arguments: &'e [Expr]) -> Lowered<[&'e Expr; N]> {
    let count = arguments.len();
    let arguments: Vec<&Expr> = arguments.iter().collect();
    arguments.try_into().map_err(|_| Fault::OperandCount { function: function.to_owned(), count }.into())
}

fn document_path(steps: &[Step]) -> Lowered<DocumentPath> {
    if steps.len() > NESTING_LEVELS_MAX {
        return Err(Fault::PathTooLong { levels: steps.len() }.into());
    }
    let mut inside = Vec::with_capacity(steps.len());
    for step in steps {
        inside.push(match step {
            Step::Member(name) if name.is_empty() => return Err(StatementFault::EmptyComponent),
            Step::Member(name) => path::Step::Member(name.clone()),
            Step::Index(digits) => path::Step::Index(list_index(digits)?),
        });
    }
    let mut inside = inside.into_iter();
    let Some(path::Step::Member(attribute)) = inside.next() else {
        unreachable!("the parser begins a path with a member");
    };
    Ok(DocumentPath::new(attribute, inside.collect()))
}

/// DynamoDB: an exponent, or what it makes of the digits behind the point, has to fit 32 bits to be read at all
/// (conformance suite, grammar).
fn number(text: &str, under: &str) -> Lowered<Number> {
    let (digits, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let fraction = digits.split_once('.').map_or(0, |(_whole, fraction)| fraction.len() as i64);
    let exponent: i32 = exponent.parse().map_err(|_| StatementFault::NotWellFormed)?;
    if i32::try_from(fraction - i64::from(exponent)).is_err() {
        return Err(StatementFault::NotWellFormed);
    }
    Number::parse(text).map_err(|error| match error {
        NumberError::NotANumber => StatementFault::NotWellFormed,
        error => StatementFault::Number { error, under: under.to_owned() },
    })
}

/// DynamoDB: a set of literals; a parameter is none (recorded from DynamoDB local for dbimp's driver).
fn bag(elements: &[Expr], under: &str) -> Lowered<AttributeValue> {
    let texts: Option<Vec<String>> = elements
        .iter()
        .map(|element| match element {
            Expr::Text(text) => Some(text.clone()),
            _ => None,
        })
        .collect();
    let numbers: Option<Vec<&String>> = elements
        .iter()
        .map(|element| match element {
            Expr::Number(number) => Some(number),
            _ => None,
        })
        .collect();
    match (texts, numbers) {
        _ if elements.is_empty() => Err(StatementFault::EmptyBag),
        (Some(texts), _) if has_duplicates(&texts) => Err(StatementFault::BagDuplicates(texts)),
        (Some(mut texts), _) => {
            texts.sort_unstable();
            Ok(AttributeValue::Ss(texts))
        }
        (None, Some(texts)) => {
            let mut numbers: Vec<Number> =
                texts.into_iter().map(|text| number(text, under)).collect::<Lowered<_>>()?;
            numbers.sort_unstable();
            match has_duplicates(&numbers) {
                true => Err(StatementFault::NumberBagDuplicates),
                false => Ok(AttributeValue::Ns(numbers)),
            }
        }
        (None, None) => Err(StatementFault::BagType),
    }
}

fn has_duplicates<T: Eq + Hash>(elements: &[T]) -> bool {
    let mut seen = HashSet::new();
    !elements.iter().all(|element| seen.insert(element))
}
