/// The CRC-32 of a row of the state file. SQLite has no checksums: a flipped bit can turn one port or host into another
/// valid one, and a page of one table can be taken for one of another.
///
/// It finds damage, not malice: who may write the file may also compute a checksum (and replace the keys).
///
/// Over the table's name and a zero byte, then each column in order: an integer as 8 bytes, big-endian; a text (UTF-8) or
/// blob as its length in bytes, like an integer, and the bytes.
struct RowChecksum {
    private var register: UInt32 = 0xffff_ffff

    init(table: String) {
        for byte in table.utf8 {
            add(byte)
        }
        add(0 as UInt8)
    }

    var value: Int64 { Int64(~register) }

    mutating func add(_ integer: Int64) {
        let bits = UInt64(bitPattern: integer)
        for shift in stride(from: UInt64(56), through: 0, by: -8) {
            add(UInt8(truncatingIfNeeded: bits >> shift))
        }
    }

    mutating func add(_ text: String) {
        add(bytes: text.utf8)
    }

    mutating func add(_ blob: [UInt8]) {
        add(bytes: blob)
    }

    private mutating func add(bytes: some Collection<UInt8>) {
        add(Int64(bytes.count))
        for byte in bytes {
            add(byte)
        }
    }

    // The polynomial of IEEE 802.3, reflected. A state file has some kilobytes: no table is needed.
    private mutating func add(_ byte: UInt8) {
        register ^= UInt32(byte)
        for _ in 0..<8 {
            register = register & 1 == 1 ? register >> 1 ^ 0xedb8_8320 : register >> 1
        }
    }
}
