//! Whether a file says the same at every moment, so that what it said once may
//! be kept.

use starlark::syntax::AstModule;
use starlark::syntax::ast::{
    ArgumentP, AstExpr, AstLiteral, AstNoPayload, DefP, Expr, Parameter, Stmt,
};

use crate::straight::defines;

/// The facts that differ from one moment to the next.
const VARYING: [&str; 2] = ["time", "budget_left"];

/// True where nothing in the file can see the time or what is left of a budget.
///
/// Starlark knows nothing but what a function is given, so it is enough to
/// follow `context`, the third parameter of `evaluate`: each use of its name
/// must be `context["name"]` or `context.get("name")`, with a name that does
/// not vary. Handing it on, walking through it, printing it, giving its name
/// to something else: all of that counts as seeing everything. So does a
/// `when`, which is told by whoever reads the declarations.
pub(crate) fn is_steady(module: &AstModule) -> bool {
    let mut definitions = 0;
    let mut steady = true;
    crate::source::visit(module.statement(), &mut |statement| match &statement.node {
        Stmt::Def(def) if def.name.node.ident == "evaluate" => {
            definitions += 1;
            steady &= says_the_same(def);
        }
        Stmt::Assign(_) | Stmt::AssignModify(..) | Stmt::For(_) | Stmt::Load(_) => {
            steady &= !defines(statement, "evaluate");
        }
        _ => {}
    });
    steady && definitions == 1
}

/// The fact that a rule's `where` looks at, as a path.
pub(crate) fn varies(path: &[String]) -> bool {
    matches!(path, [root, name, ..] if root == "context" && VARYING.contains(&name.as_str()))
}

fn says_the_same(def: &DefP<AstNoPayload>) -> bool {
    let [_, _, third] = def.params.as_slice() else {
        return false;
    };
    let plain = |it: &Parameter| matches!(it, Parameter::Normal(_, _, None));
    let (true, Some(context)) = (
        def.params.iter().all(|it| plain(&it.node)),
        third.node.ident().map(|name| name.node.ident.as_str()),
    ) else {
        return false;
    };
    let mut steady = true;
    crate::source::visit(&def.body, &mut |statement| {
        steady &= !defines(statement, context);
    });
    def.body
        .visit_expr(|expression| steady = steady && only_looks_up(expression, context));
    steady
}

/// Whether an expression uses a name for nothing but looking up what does not
/// vary.
fn only_looks_up(expression: &AstExpr, context: &str) -> bool {
    let looked_up = match &expression.node {
        Expr::Identifier(name) => return name.node.ident != context,
        Expr::Index(both) if is(&both.0, context) => return is_steady_name(&both.1),
        Expr::Call(callee, arguments) => {
            match &callee.node {
                Expr::Dot(of, method) if is(of, context) && method.node == "get" => {
                    let mut arguments = arguments.args.iter().map(|argument| &argument.node);
                    let named = matches!(arguments.next(), Some(ArgumentP::Positional(name)) if is_steady_name(name));
                    return named
                    && arguments.all(|it| matches!(it, ArgumentP::Positional(it) if only_looks_up(it, context)));
                }
                _ => true,
            }
        }
        _ => true,
    };
    let mut steady = looked_up;
    expression.visit_expr(|inner| steady = steady && only_looks_up(inner, context));
    steady
}

fn is(expression: &AstExpr, name: &str) -> bool {
    matches!(&expression.node, Expr::Identifier(it) if it.node.ident == name)
}

fn is_steady_name(expression: &AstExpr) -> bool {
    matches!(&expression.node, Expr::Literal(AstLiteral::String(name)) if !VARYING.contains(&name.node.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steady(text: &str) -> bool {
        is_steady(crate::source::parse("test.star", text).unwrap().written())
    }

    #[test]
    fn what_only_looks_up_lasting_facts_is_steady() {
        for body in [
            "    return \"allow\"\n",
            "    return \"deny\" if context[\"agent_id\"] == \"x\" else \"allow\"\n",
            "    who = context.get(\"agent_id\", context[\"plane\"])\n    return f(who, context[\"taint\"])\n",
            "    for x in context[\"domain_lists\"]:\n        if x == args:\n            return \"deny\"\n    return \"allow\"\n",
        ] {
            assert!(
                steady(&format!("def evaluate(tool, args, context):\n{body}")),
                "{body}"
            );
        }
        assert!(steady(
            "def hours(time):\n    return time\ndef evaluate(t, a, c):\n    return c[\"tier\"]\n"
        ));
        let shipped = crate::shipped_text("default.star").unwrap();
        assert!(steady(shipped));
    }

    #[test]
    fn whatever_could_see_the_moment_is_not() {
        for body in [
            "    return \"deny\" if context[\"time\"] > 5 else \"allow\"\n",
            "    return \"deny\" if context.get(\"budget_left\", 0) else \"allow\"\n",
            "    return helper(context)\n",
            "    return helper(tool, args, context)\n",
            "    other = context\n    return other[\"agent_id\"]\n",
            "    name = \"ti\" + \"me\"\n    return context[name]\n",
            "    return context[\"ti\" + \"me\"]\n",
            "    return str(context)\n",
            "    return \"%s\" % context\n",
            "    return f\"{context}\"\n",
            "    return [v for v in context.values()][11]\n",
            "    return context.items()\n",
            "    return context.pop(\"time\")\n",
            "    return (context or 1)[\"time\"]\n",
            "    return getattr(context, \"get\")(\"time\")\n",
            "    look = context.get\n    return look(\"time\")\n",
            "    return context.get(*[\"time\"])\n",
            "    f = lambda x = context: x[\"time\"]\n    return f()\n",
            "    def f():\n        return context[\"time\"]\n    return f()\n",
            "    for k in context:\n        pass\n    return \"allow\"\n",
            "    context[\"x\"] = context\n    return \"allow\"\n",
        ] {
            assert!(
                !steady(&format!("def evaluate(tool, args, context):\n{body}")),
                "{body}"
            );
        }
        for text in [
            "evaluate = lambda tool, args, context: context[\"time\"]\n",
            "load(\"x.star\", \"evaluate\")\n",
            "def evaluate(*all):\n    return all[2][\"time\"]\n",
            "def evaluate(tool, args, context = {}):\n    return \"allow\"\n",
            "def evaluate(tool, args, context):\n    return \"allow\"\ndef f(t, a, c):\n    return c[\"time\"]\nevaluate = f\n",
            "def evaluate(tool, args, context):\n    return \"allow\"\ndef evaluate(t, a, c):\n    return c[\"time\"]\n",
        ] {
            assert!(!steady(text), "{text}");
        }
    }
}
