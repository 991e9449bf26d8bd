import '@xyflow/react/dist/style.css';

import { useComputedColorScheme } from '@mantine/core';
import {
  Background,
  Handle,
  MarkerType,
  Position,
  ReactFlow,
  type Edge,
  type Node,
  type NodeProps,
} from '@xyflow/react';
import { layers } from './graph_layout';
import type { WorkloadDetail } from './workload_queries';

const kColumnWidth = 220;
const kRowHeight = 84;

type Box = Node<{ title: string; sub: string; external: boolean }>;

function BoxNode({ data }: NodeProps<Box>) {
  return (
    <div className="node" data-external={data.external}>
      <Handle type="target" position={Position.Left} isConnectable={false} />
      {data.title}
      <span className="sub">{data.sub}</span>
      <Handle type="source" position={Position.Right} isConnectable={false} />
    </div>
  );
}

const nodeTypes = { box: BoxNode };

export function DependencyGraph({ components }: { components: WorkloadDetail['components'] }) {
  const scheme = useComputedColorScheme('light');
  const known = new Set(components.map((it) => it.name));
  const outside = new Set(
    components.flatMap((it) => [
      ...it.external_dependencies,
      ...it.depends_on.filter((name) => !known.has(name)),
    ]),
  );
  const columns = layers([
    ...components.map((it) => ({
      id: it.name,
      dependsOn: [...it.depends_on, ...it.external_dependencies],
    })),
    ...[...outside].map((id) => ({ id, dependsOn: [] })),
  ]);
  const rows = new Map<number, number>();
  const place = (id: string) => {
    const column = columns.get(id) ?? 0;
    const row = rows.get(column) ?? 0;
    rows.set(column, row + 1);
    return { x: column * kColumnWidth, y: row * kRowHeight };
  };
  const nodes: Box[] = [
    ...components.map((it) => ({
      id: it.name,
      type: 'box',
      position: place(it.name),
      data: { title: it.name, sub: it.owner, external: false },
    })),
    ...[...outside].map((id) => ({
      id,
      type: 'box',
      position: place(id),
      data: { title: id, sub: 'outside', external: true },
    })),
  ];
  const edges: Edge[] = components.flatMap((it) =>
    [...it.depends_on, ...it.external_dependencies].map((target) => ({
      id: `${it.name} ${target}`,
      source: it.name,
      target,
      markerEnd: { type: MarkerType.ArrowClosed },
    })),
  );
  return (
    <div className="graph">
      <ReactFlow
        nodes={nodes}
        edges={edges}
        nodeTypes={nodeTypes}
        colorMode={scheme}
        fitView
        fitViewOptions={{ maxZoom: 1.1 }}
        nodesDraggable={false}
        nodesConnectable={false}
        nodesFocusable={false}
        edgesFocusable={false}
        zoomOnScroll={false}
        preventScrolling={false}
        aria-label="Dependencies between components"
      >
        <Background />
      </ReactFlow>
    </div>
  );
}
