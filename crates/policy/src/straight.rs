//! Whether functions of a file are so simple that one evaluation is short
//! whatever it is given.

use std::collections::HashSet;

use starlark::syntax::AstModule;
use starlark::syntax::ast::{
    AssignTarget, AstExpr, AstNoPayload, AstStmt, DefP, Expr, Parameter, Stmt,
};

/// True where the top level has no `for`, and no function of the file loops, calls itself or something that it
/// was handed, or makes a `range`. Then every call ends after as many steps as
/// the file has, and growth is bounded by [`crate::limits::GROWTH`].
///
/// The answer errs on the safe side: a name that is used in a function before
/// its definition is taken for a way to recurse.
pub(crate) fn is_straight(module: &AstModule) -> bool {
    let mut names = Names::default();
    for statement in top_level(module.statement()) {
        collect(statement, &mut names.all);
    }
    let mut straight = true;
    for statement in top_level(module.statement()) {
        straight &= match &statement.node {
            Stmt::Def(def) => names.function(def),
            _ => names.lambdas_of(statement),
        };
        collect(statement, &mut names.known);
    }
    straight
}

fn top_level(statement: &AstStmt) -> Vec<&AstStmt> {
    match &statement.node {
        Stmt::Statements(statements) => statements.iter().flat_map(top_level).collect(),
        _ => vec![statement],
    }
}

/// The names of a file's top level.
#[derive(Default)]
struct Names {
    all: HashSet<String>,
    /// Those that are defined so far.
    known: HashSet<String>,
}

impl Names {
    fn function(&self, def: &DefP<AstNoPayload>) -> bool {
        let mut locals: HashSet<String> = def.params.iter().filter_map(|it| name_of(it)).collect();
        collect_all(&def.body, &mut locals);
        self.statement(&def.body, &locals)
    }

    /// Statements of the top level run once, when the file is loaded; only the
    /// functions that they make count.
    fn lambdas_of(&self, statement: &AstStmt) -> bool {
        let mut straight = true;
        each_expression(statement, &mut |expression| {
            if let Expr::Lambda(lambda) = &expression.node {
                let locals = lambda.params.iter().filter_map(|it| name_of(it)).collect();
                straight &= self.expression(&lambda.body, &locals);
            }
        });
        // A function within an `if`; a loop, which can nest a value so deep that
        // whoever prints it later overflows the stack.
        crate::source::visit(statement, &mut |inner| {
            straight &= !matches!(inner.node, Stmt::Def(_) | Stmt::For(_));
        });
        straight
    }

    fn statement(&self, statement: &AstStmt, locals: &HashSet<String>) -> bool {
        let mut straight = true;
        crate::source::visit(statement, &mut |inner| {
            straight &= !matches!(inner.node, Stmt::For(_) | Stmt::Def(_));
        });
        statement.visit_expr(|expression| straight &= self.expression(expression, locals));
        straight
    }

    fn expression(&self, expression: &AstExpr, locals: &HashSet<String>) -> bool {
        let own = match &expression.node {
            Expr::ListComprehension(..) | Expr::DictComprehension(..) | Expr::Lambda(_) => false,
            Expr::Identifier(name) => {
                let name = &name.node.ident;
                let later = self.all.contains(name) && !self.known.contains(name);
                name != "range" && (locals.contains(name) || !later)
            }
            Expr::Call(callee, _) => match &callee.node {
                Expr::Identifier(name) => !locals.contains(&name.node.ident),
                Expr::Dot(..) => true,
                _ => false,
            },
            _ => true,
        };
        let mut straight = own;
        expression.visit_expr(|inner| straight = straight && self.expression(inner, locals));
        straight
    }
}

fn each_expression<'a>(statement: &'a AstStmt, each: &mut impl FnMut(&'a AstExpr)) {
    fn down<'a>(expression: &'a AstExpr, each: &mut impl FnMut(&'a AstExpr)) {
        each(expression);
        expression.visit_expr(|inner| down(inner, each));
    }
    statement.visit_expr(|expression| down(expression, each));
}

fn collect_all(statement: &AstStmt, names: &mut HashSet<String>) {
    crate::source::visit(statement, &mut |inner| collect(inner, names));
}

/// Whether a statement gives this name a meaning.
pub(crate) fn defines(statement: &AstStmt, name: &str) -> bool {
    let mut names = HashSet::new();
    collect(statement, &mut names);
    names.contains(name)
}

/// The names that a statement defines.
fn collect(statement: &AstStmt, names: &mut HashSet<String>) {
    match &statement.node {
        Stmt::Def(def) => {
            names.insert(def.name.node.ident.clone());
        }
        Stmt::Assign(assign) => targets(&assign.lhs.node, names),
        Stmt::AssignModify(target, _, _) => targets(&target.node, names),
        Stmt::For(each) => targets(&each.var.node, names),
        Stmt::Load(load) => {
            let local = load.args.iter().map(|it| it.local.node.ident.clone());
            names.extend(local);
        }
        _ => {}
    }
}

fn targets(target: &AssignTarget, names: &mut HashSet<String>) {
    target.visit_lvalue(|name| {
        names.insert(name.node.ident.clone());
    });
}

fn name_of(parameter: &Parameter) -> Option<String> {
    parameter.ident().map(|name| name.node.ident.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn straight(text: &str) -> bool {
        is_straight(crate::source::parse("test.star", text).unwrap().written())
    }

    #[test]
    fn plain_rules_are_straight() {
        for text in [
            "def evaluate(tool, args, context):\n    return \"allow\"\n",
            "BAD = [x for x in range(9)]\ndef bad(x):\n    return x in BAD\ndef evaluate(t, a, c):\n    if bad(a.get(\"x\")):\n        return \"deny\"\n    return \"allow\"\n",
            "load(\"x.star\", \"f\")\nf(lambda t, a, c: a[\"n\"] * 2)\ndef evaluate(t, a, c):\n    return f(t)\n",
        ] {
            assert!(straight(text), "{text}");
        }
    }

    #[test]
    fn what_could_run_long_is_not() {
        for body in [
            "    for x in a:\n        pass\n",
            "    return [x for x in a]\n",
            "    return evaluate(t, a, c)\n",
            "    return later(a)\n",
            "    return a(a)\n",
            "    return TABLE[t](a)\n",
            "    return list(range(9))\n",
            "    return sorted(a, key = lambda x: x)\n",
            "    def f():\n        return 1\n    return f()\n",
        ] {
            let text = format!(
                "TABLE = {{}}\ndef evaluate(t, a, c):\n{body}\ndef later(a):\n    return evaluate(a, a, a)\n"
            );
            assert!(!straight(&text), "{body}");
        }
        assert!(!straight("f = lambda x: f(x)\n"));
        assert!(!straight("x = {\"f\": lambda g: g(g)}\n"));
    }
}
