/// Which connection a packet is for: every connection ID that a live connection has issued, and the one that its client
/// chose at first (RFC 9000 §5.2).
///
/// Remembers the last hit: a batch is nearly always for one connection.
struct ConnectionTable<Connection: AnyObject> {
    private var byID: [QUICConnectionID: Connection] = [:]
    /// Every connection, with how many of the IDs are its own.
    private var holders: [ObjectIdentifier: (connection: Connection, ids: Int)] = [:]
    private var last: (id: QUICConnectionID, connection: Connection)?

    /// How many IDs are known.
    var count: Int { byID.count }

    /// Every connection, once.
    var connections: [Connection] { holders.values.map(\.connection) }

    /// The connection that every ID is of; nil when there is none, or more than one.
    var only: Connection? { holders.count == 1 ? holders.values.first?.connection : nil }

    mutating func find(_ id: QUICConnectionID) -> Connection? {
        if let last, last.id == id { return last.connection }
        guard let connection = byID[id] else { return nil }
        last = (id, connection)
        return connection
    }

    mutating func insert(_ connection: Connection, for id: QUICConnectionID) {
        remove(id)
        byID[id] = connection
        holders[ObjectIdentifier(connection), default: (connection, 0)].ids += 1
    }

    mutating func remove(_ id: QUICConnectionID) {
        last = nil
        guard let connection = byID.removeValue(forKey: id) else { return }
        let holder = ObjectIdentifier(connection)
        holders[holder]?.ids -= 1
        if holders[holder]?.ids == 0 {
            holders[holder] = nil
        }
    }
}
