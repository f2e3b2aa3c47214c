import { fill, type OpenFile } from './open-file.js'

/** Larger than the largest frame or journal record (65,560 bytes); a multiple of 8, so that frames stay aligned. */
const windowBytes = 1 << 20

/** Reads a file from front to back in large pieces. */
export class FileWindow {
  readonly size: number
  readonly #fd: number
  readonly #bytes: Buffer
  #start = 0
  #end = 0

  constructor(file: OpenFile) {
    this.size = file.size
    this.#fd = file.fd
    this.#bytes = Buffer.allocUnsafeSlow(Math.min(windowBytes, file.size))
  }

  /** The bytes there, valid until the next call; null when the file ends before. At most 1 MiB. */
  view(offset: number, length: number): Buffer | null {
    if (offset + length > this.size) return null
    if (offset < this.#start || offset + length > this.#end) {
      const room = this.#bytes.subarray(0, Math.min(this.#bytes.length, this.size - offset))
      this.#start = offset
      this.#end = offset + fill(this.#fd, room, offset)
      if (offset + length > this.#end) return null
    }
    return this.#bytes.subarray(offset - this.#start, offset - this.#start + length)
  }
}
