// Where the boxes of a dependency graph stand: callers left of what they call.

export interface GraphNode {
  id: string;
  dependsOn: string[];
}

/** Column of every node: one more than the furthest caller's. Edges that close a circle are not counted. */
export function layers(nodes: GraphNode[]): Map<string, number> {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const column = new Map<string, number>(nodes.map((node) => [node.id, 0]));
  const visit = (id: string, depth: number, path: Set<string>) => {
    if (path.has(id)) return;
    const known = column.get(id);
    if (known === undefined || (depth < known && path.size > 0)) return;
    column.set(id, Math.max(known, depth));
    path.add(id);
    for (const next of byId.get(id)?.dependsOn ?? []) visit(next, depth + 1, path);
    path.delete(id);
  };
  for (const node of nodes) visit(node.id, 0, new Set());
  return column;
}
