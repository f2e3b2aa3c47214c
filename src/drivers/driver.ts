export type { Connection, Driver, Row, SqlValue, Statement } from '../model/driver.js'
