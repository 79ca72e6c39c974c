/**
 * PromQL expressions, read by the grammar that Prometheus's own editor uses.
 * Rule: an expression with a part that the grammar does not know has a problem, however small the part.
 */
import { parser } from "@prometheus-io/lezer-promql"

type SyntaxNode = ReturnType<typeof parser.parse>["topNode"]

export interface Matcher {
  readonly label: string
  readonly operator: "=" | "!=" | "=~" | "!~"
  readonly value: string
}

/** One place in an expression that names a metric. */
export interface Selector {
  readonly metric: string
  readonly matchers: ReadonlyArray<Matcher>
  /** The innermost function that it stands in, such as "rate"; undefined outside of all. */
  readonly within: string | undefined
  /** A range such as [5m] is behind it. */
  readonly isRanged: boolean
  /** It stands behind `unless`: where it is there, the expression is not. */
  readonly isExcluding: boolean
}

export interface Expression {
  readonly problems: ReadonlyArray<string>
  readonly selectors: ReadonlyArray<Selector>
  /** Labels of by, without, on, ignoring, group_left and group_right. */
  readonly grouping: ReadonlyArray<string>
}

/** Variables that Grafana fills in before Prometheus sees the expression. */
export const withoutVariables = (expr: string): string => expr.replaceAll("$__rate_interval", "5m")

const childrenOf = (node: SyntaxNode): ReadonlyArray<SyntaxNode> => {
  const children: Array<SyntaxNode> = []
  for (let child = node.firstChild; child !== null; child = child.nextSibling) children.push(child)
  return children
}

export const read = (expr: string): Expression => {
  const text = (node: SyntaxNode) => expr.slice(node.from, node.to)
  const problems: Array<string> = []
  const selectors: Array<Selector> = []
  const grouping: Array<string> = []

  const matcherOf = (node: SyntaxNode): Matcher => {
    const [label, operator, value] = childrenOf(node).map(text)
    return {
      label: label ?? "",
      operator: operator as Matcher["operator"],
      value: JSON.parse(value ?? '""') as string
    }
  }

  const visit = (node: SyntaxNode, within: string | undefined, isExcluding: boolean): void => {
    if (node.type.isError) problems.push(`at ${node.from}: ${JSON.stringify(text(node))} in ${expr}`)
    if (node.name === "VectorSelector") {
      const metric = node.getChild("Identifier")
      const matchers = node.getChild("LabelMatchers")?.getChildren("UnquotedLabelMatcher") ?? []
      selectors.push({
        metric: metric === null ? "" : text(metric),
        matchers: matchers.map(matcherOf),
        within,
        isRanged: node.parent?.name === "MatrixSelector",
        isExcluding
      })
    }
    if (node.name === "GroupingLabels") grouping.push(...node.getChildren("LabelName").map(text))
    const called = node.name === "FunctionCall" ? node.getChild("FunctionIdentifier") : null
    const excluded = node.getChild("Unless") === null ? null : node.lastChild
    for (const child of childrenOf(node)) {
      visit(child, called === null ? within : text(called), isExcluding || child.from === excluded?.from)
    }
  }
  visit(parser.parse(expr).topNode, undefined, false)
  if (selectors.length === 0) problems.push(`no metric in ${expr}`)
  return { problems, selectors, grouping }
}

/** The sides of its outermost `or`s, each an expression of its own. */
export const alternatives = (expr: string): ReadonlyArray<string> => {
  const sides = (node: SyntaxNode | null): ReadonlyArray<string> =>
    node === null
      ? []
      : node.getChild("Or") === null
        ? [expr.slice(node.from, node.to)]
        : [...sides(node.firstChild), ...sides(node.lastChild)]
  return sides(parser.parse(expr).topNode.firstChild)
}
