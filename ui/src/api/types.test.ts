// The shapes in types*.ts are those of the API's own document: the same fields, null where it says so.
import { readFileSync } from 'node:fs';

import ts from 'typescript';
import { describe, expect, it } from 'vitest';

interface Schema {
  type?: string | string[];
  oneOf?: { type?: string }[];
  properties?: Record<string, Schema>;
}
const document = JSON.parse(readFileSync('../docs/openapi.json', 'utf8')) as { components: { schemas: Record<string, Schema> } };
const schemas = document.components.schemas;
const interfaces = ['types.ts', 'types-alerts.ts', 'types-holds.ts', 'types-records.ts', 'types-site-file.ts', 'types-sums.ts', 'observatory.ts'].flatMap((name) =>
  ts.createSourceFile(name, readFileSync(`src/api/${name}`, 'utf8'), ts.ScriptTarget.Latest, true).statements.filter(ts.isInterfaceDeclaration),
);
/** Shapes of the pages' own, made of others. */
const OWN = ['SpanView'];

function nullable(schema: Schema): boolean {
  return [schema.type ?? []].flat().includes('null') || (schema.oneOf?.some((one) => one.type === 'null') ?? false);
}
function fieldsOf(declared: ts.InterfaceDeclaration): Record<string, boolean> {
  const fields = declared.members.filter(ts.isPropertySignature).map((member) => {
    const text = member.type?.getText() ?? '';
    return [member.name.getText(), member.questionToken !== undefined || /(^|\|\s*)null$/.test(text)] as const;
  });
  return Object.fromEntries(fields);
}

describe('the shapes of the API', () => {
  it.each(interfaces.map((declared) => [declared.name.text, declared] as const).filter(([name]) => !OWN.includes(name)))('%s', (name, declared) => {
    const properties = schemas[name]?.properties;
    expect(properties, `docs/openapi.json has no ${name}`).toBeDefined();
    expect(fieldsOf(declared)).toEqual(Object.fromEntries(Object.entries(properties ?? {}).map(([field, schema]) => [field, nullable(schema)])));
  });
});
