//! Refuses words of a mail that could take more than their length, before anything makes them.
//!
//! They are judged by the tree that they are made from: no second reading that could differ from
//! it. Even to compile them is to work out what is constant in them, so that they are judged first.

use minijinja::{
    machinery::{
        Span, Token, WhitespaceConfig,
        ast::{BinOpKind, CallArg, Expr, Stmt},
        parse, tokenize,
    },
    syntax::SyntaxConfig,
};

use super::template::described;

/// Words and signs of one `{{ … }}` or `{% … %}` at most: its tree is as deep, and who walks it.
const TAG_TOKENS_MAX: usize = 200;
/// Statements within one another at most, where each `elif` is within the `if` before it.
const DEPTH_MAX: usize = 50;
/// Statements that there are; others could make texts without end.
const STATEMENTS: [&str; 6] = ["if", "elif", "else", "endif", "for", "endfor"];

/// Trailing line feeds stay, as where they are made.
const SPACE: WhitespaceConfig =
    WhitespaceConfig { keep_trailing_newline: true, lstrip_blocks: false, trim_blocks: false };

/// Refuses what could make texts without end.
///
/// # Errors
///
/// With what is wrong, and its line.
pub(super) fn refuse_mighty(text: &str) -> Result<(), String> {
    refuse_deep(text)?;
    let tree = parse(text, "", SyntaxConfig, SPACE).map_err(|error| described(&error))?;
    judge_statement(&tree)
}

/// Refuses statements that there are not, and what is so deep that to read it takes a stack.
fn refuse_deep(text: &str) -> Result<(), String> {
    let (mut tokens, mut is_first) = (0, false);
    // How deep each statement is that is open.
    let mut open: Vec<usize> = Vec::new();
    for token in tokenize(text, false, SyntaxConfig, SPACE) {
        let (token, span) = token.map_err(|error| described(&error))?;
        match token {
            Token::VariableStart | Token::BlockStart => tokens = 0,
            Token::Ident(word) if is_first && !STATEMENTS.contains(&word) => {
                return refuse(span, &format!("`{word}` is not available; there are if and for"));
            }
            Token::Ident("if" | "for") if is_first => open.push(1),
            Token::Ident("elif") if is_first => open.last_mut().into_iter().for_each(|it| *it += 1),
            Token::Ident("endif" | "endfor") if is_first => drop(open.pop()),
            _ => tokens += 1,
        }
        is_first = matches!(token, Token::BlockStart);
        if tokens > TAG_TOKENS_MAX {
            return refuse(
                span,
                &format!("there are more than {TAG_TOKENS_MAX} words in one place"),
            );
        }
        if open.iter().sum::<usize>() > DEPTH_MAX {
            return refuse(span, &format!("more than {DEPTH_MAX} statements are in one another"));
        }
    }
    Ok(())
}

fn refuse(span: Span, detail: &str) -> Result<(), String> {
    Err(format!("line {}: {detail}", span.start_line))
}

fn judge_all(statements: &[Stmt<'_>]) -> Result<(), String> {
    statements.iter().try_for_each(judge_statement)
}

fn judge_statement(one: &Stmt<'_>) -> Result<(), String> {
    match one {
        Stmt::Template(it) => judge_all(&it.children),
        Stmt::EmitRaw(_) => Ok(()),
        Stmt::EmitExpr(it) => judge(&it.expr),
        Stmt::IfCond(it) => {
            judge(&it.expr)?;
            judge_all(&it.true_body)?;
            judge_all(&it.false_body)
        }
        // What a loop says that calls itself is kept until it is over.
        Stmt::ForLoop(it) if it.recursive => refuse(it.span(), "`recursive` is not available"),
        Stmt::ForLoop(it) => {
            judge(&it.iter)?;
            it.filter_expr.iter().try_for_each(judge)?;
            judge_all(&it.body)?;
            judge_all(&it.else_body)
        }
        // Which others there are depends on how the language was built.
        _ => Err("there are if and for, and no other statements".to_owned()),
    }
}

fn judge(one: &Expr<'_>) -> Result<(), String> {
    let parts = match one {
        Expr::Var(_) | Expr::Const(_) => return Ok(()),
        Expr::Slice(it) => {
            let edges = [&it.start, &it.stop, &it.step].into_iter().flatten();
            edges.chain([&it.expr]).collect()
        }
        Expr::UnaryOp(it) => vec![&it.expr],
        Expr::BinOp(it) => {
            if let Some(sign) = lengthens(it.op) {
                let detail = format!("`{sign}` is not available: write the parts one by one");
                return refuse(it.span(), &detail);
            }
            vec![&it.left, &it.right]
        }
        Expr::Compare(it) => it.ops.iter().map(|other| &other.expr).chain([&it.expr]).collect(),
        Expr::IfExpr(it) => it.false_expr.iter().chain([&it.test_expr, &it.true_expr]).collect(),
        Expr::Filter(it) => given(&it.args)?.into_iter().chain(&it.expr).collect(),
        Expr::Test(it) => given(&it.args)?.into_iter().chain([&it.expr]).collect(),
        Expr::GetAttr(it) => vec![&it.expr],
        Expr::GetItem(it) => vec![&it.expr, &it.subscript_expr],
        // A list of lists of lists is short to write, and without end to read.
        Expr::List(it) if it.items.iter().all(|item| matches!(item, Expr::Const(_))) => {
            return Ok(());
        }
        Expr::List(it) => return refuse(it.span(), "a list holds constants only"),
        Expr::Map(it) => return refuse(it.span(), "a map is not available"),
        Expr::Call(it) => return refuse(it.span(), "nothing can be called"),
    };
    parts.into_iter().try_for_each(judge)
}

/// What a filter or a test is given.
fn given<'a, 'text>(arguments: &'a [CallArg<'text>]) -> Result<Vec<&'a Expr<'text>>, String> {
    let of = |argument: &'a CallArg<'text>| match argument {
        CallArg::Pos(one) | CallArg::Kwarg(_, one) => Ok(one),
        CallArg::PosSplat(one) | CallArg::KwargSplat(one) => {
            let line = one.span().start_line;
            Err(format!("line {line}: `*` is not available: write the parts one by one"))
        }
    };
    arguments.iter().map(of).collect()
}

/// The sign of an operator that makes longer things out of shorter ones.
fn lengthens(operator: BinOpKind) -> Option<&'static str> {
    match operator {
        BinOpKind::Add => Some("+"),
        BinOpKind::Mul => Some("*"),
        BinOpKind::Pow => Some("**"),
        BinOpKind::Concat => Some("~"),
        BinOpKind::Eq
        | BinOpKind::Ne
        | BinOpKind::Lt
        | BinOpKind::Lte
        | BinOpKind::Gt
        | BinOpKind::Gte
        | BinOpKind::ScAnd
        | BinOpKind::ScOr
        | BinOpKind::Sub
        | BinOpKind::Div
        | BinOpKind::FloorDiv
        | BinOpKind::Rem
        | BinOpKind::In => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_makes_longer_texts_is_refused_wherever_it_hides() {
        let many = |part: &str, between: &str, count: usize| vec![part; count].join(between);
        let joined = format!("{{{{ {} }}}}", many("'}}'*49000000", " ~ ", 20));
        let cases = [
            ("{{ '}}' * 9 }}", "`*`"),
            ("{{ '}}' * 300000000 }}", "`*`"),
            ("{{ \"}}\" ~ title }}", "`~`"),
            ("{{ '\\'}}' * 9 }}", "`*`"),
            ("{{ \"'}}\" * 9 }}", "`*`"),
            ("{# {{ \" #}{{ 'a' * 300000000 }}", "`*`"),
            ("{# {% ' #}{{ 'a' ~ 'b' }}", "`~`"),
            ("{% raw %}{{ ' {% endraw %}{{ 'a' * 9 }}", "`*`"),
            ("{%- raw -%}{% if \" {%- endraw -%}{{- 'a' * 9 -}}", "`*`"),
            ("{% if '%}' * 9 %}{% endif %}", "`*`"),
            ("{% if '%}' %}{{ 'a' ** 9 }}{% endif %}", "`**`"),
            ("{% for a in '%}' + '%}' %}{% endfor %}", "`+`"),
            ("{% for a in export if '%}' * 9 %}{% endfor %}", "`*`"),
            ("{% if '%}' %}{% elif 'a' * 9 %}{% endif %}", "`*`"),
            ("{% if title %}{% else %}{{ 'a' * 9 }}{% endif %}", "`*`"),
            ("{{ ({'}}': 'a'}) }}", "a map"),
            ("{{ title | default('}}' * 9) }}", "`*`"),
            ("{{ title | default(*title) }}", "`*`"),
            ("{{ 'a' if title else '}}' * 9 }}", "`*`"),
            ("{{ title['}}' * 9] }}", "`*`"),
            ("{{ title[1:'}}' * 9] }}", "`*`"),
            ("{{ not ('}}' * 9) }}", "`*`"),
            ("{{ title == '}}' * 9 }}", "`*`"),
            ("{{ ('}}' * 9).x }}", "`*`"),
            ("{{ ('}}' * 9) is defined }}", "`*`"),
            ("{% for a in [[title, title]] %}{% endfor %}", "constants only"),
            ("{% for a in (title, title) %}{{ a }}{% endfor %}", "constants only"),
            ("{{ [title, '}}'] }}", "constants only"),
            ("{% for a in export recursive %}{{ loop(export) }}{% endfor %}", "`recursive`"),
            ("{% for a in export %}{{ loop(export) }}{% endfor %}", "called"),
            ("{{ '}}'.join(title) }}", "called"),
            ("{% set x = '%}' %}", "`set`"),
            ("{%- with a = '%}' %}{% endwith %}", "`with`"),
            ("{% filter upper %}{% endfilter %}", "`filter`"),
            ("{# %} #}{% do title %}", "`do`"),
            (&joined, "`~`"),
        ];
        for (text, told) in cases {
            let refused = refuse_mighty(text).expect_err(text);
            assert!(refused.starts_with("line 1: ") && refused.contains(told), "{text}: {refused}");
        }
    }

    #[test]
    fn what_is_too_deep_to_be_read_is_refused_before_it_is() {
        for (text, told) in [
            (format!("{{{{ title{} }}}}", ".b".repeat(9_000)), "200 words"),
            (format!("{{{{ title{} }}}}", "|lower".repeat(3_000)), "200 words"),
            (format!("{{{{ {}title }}}}", "not ".repeat(4_000)), "200 words"),
            (format!("{{{{ {} }}}}", "(".repeat(9_000)), "200 words"),
            (format!("{{% if 1{} %}}{{% endif %}}", "-1".repeat(9_000)), "200 words"),
            ("{% if a %}".repeat(1_900), "50 statements"),
            ("{% for a in b %}".repeat(1_200), "50 statements"),
            (format!("{{% if a %}}{}", "{% elif a %}".repeat(1_600)), "50 statements"),
        ] {
            let refused = refuse_mighty(&text).unwrap_err();
            assert!(refused.contains(told), "{}: {refused}", &text[..20]);
        }
    }

    #[test]
    fn what_only_says_so_is_taken() {
        for text in [
            "a * b ~ c + d }} %} {",
            "{{ 'a * b ~ c' }}{{ \"it's 2 + 2\" }}{{ '\\' * 9' }}",
            "{# {{ 'a' * 9 }} {% set x = 1 %} #}{{ title }}",
            "{% raw %}{{ 'a' * 9 }}{% set x = 1 %}{% endraw %}",
            "{% if export.status in ['ready', \"}}\"] and not export.error %}a{% endif %}",
            "{% if export and export.rows > 1 %}a{% elif title == '%}' %}b{% else %}c{% endif %}",
            "{{ details.name | default('}}') | upper }}{{ title[0:9] }}{{ export['id'] }}",
            "{%- for a in export if a is defined -%}{{ loop.index - 1 }}{%- endfor -%}",
            "{{ 'a' if export else 'b' }}{{ export.bytes // 1024 }}",
        ] {
            assert_eq!(refuse_mighty(text), Ok(()), "{text}");
        }
    }
}
