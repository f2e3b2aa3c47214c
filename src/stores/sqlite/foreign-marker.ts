/** What well-known migration tools call the table they keep their marker in, and columns that give them away. */
const tools: readonly { readonly tool: string; readonly table: RegExp; readonly columns: readonly string[] }[] = [
  { tool: 'Flyway', table: /^flyway_schema_history$/i, columns: ['installed_rank', 'script'] },
  { tool: 'Rails, dbmate or golang-migrate', table: /^schema_migrations$/i, columns: ['version'] },
  { tool: 'Knex', table: /^knex_migrations$/i, columns: ['migration_time', 'batch'] },
  { tool: 'Prisma', table: /^_prisma_migrations$/i, columns: ['migration_name'] },
  { tool: 'Drizzle', table: /^__drizzle_migrations$/i, columns: ['hash', 'created_at'] },
  { tool: 'Kysely', table: /^kysely_migration$/i, columns: ['name', 'timestamp'] },
  { tool: 'Alembic', table: /^alembic_version$/i, columns: ['version_num'] },
  { tool: 'Django', table: /^django_migrations$/i, columns: ['app', 'applied'] },
  { tool: 'TypeORM', table: /^migrations$/i, columns: ['timestamp', 'name'] },
  { tool: 'Sequelize', table: /^sequelizemeta$/i, columns: ['name'] },
]

/** For a message: whose table this looks like. */
export function ownerOfTable(table: string, columns: readonly string[]): string {
  const tool = tools.find((each) => each.table.test(table) && each.columns.every((column) => columns.includes(column)))
  return tool ? `; it looks like ${tool.tool}'s` : ''
}
