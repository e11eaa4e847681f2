import Testing

@testable import Shared

@Suite("ConnectionTable")
struct ConnectionTableTests {
    private final class Connection {}

    /// Holds a table, so that an expectation may call its mutating members.
    private final class Table {
        private var table = ConnectionTable<Connection>()

        var count: Int { table.count }
        var only: Connection? { table.only }
        var connections: [Connection] { table.connections }
        func find(_ id: QUICConnectionID) -> Connection? { table.find(id) }
        func insert(_ connection: Connection, for id: QUICConnectionID) { table.insert(connection, for: id) }
        func remove(_ id: QUICConnectionID) { table.remove(id) }
    }

    private func id(_ byte: UInt8) throws -> QUICConnectionID {
        try #require(QUICConnectionID([byte]))
    }

    @Test func findsWhatWasInsertedUntilItIsRemoved() throws {
        let table = Table()
        let (first, second) = (Connection(), Connection())
        try table.insert(first, for: id(1))
        try table.insert(second, for: id(2))
        for _ in 0..<2 {
            #expect(table.find(try id(1)) === first)
            #expect(table.find(try id(2)) === second)
            #expect(table.find(try id(3)) == nil)
        }
        #expect(table.count == 2)
        try table.remove(id(1))
        #expect(table.find(try id(1)) == nil)
        #expect(table.find(try id(2)) === second)
    }

    @Test func theLastHitIsForgottenWithItsID() throws {
        let table = Table()
        try table.insert(Connection(), for: id(1))
        #expect(table.find(try id(1)) != nil)
        try table.remove(id(1))
        #expect(table.find(try id(1)) == nil)
        let replacement = Connection()
        try table.insert(replacement, for: id(1))
        #expect(table.find(try id(1)) === replacement)
        let another = Connection()
        try table.insert(another, for: id(1))
        #expect(table.find(try id(1)) === another)
    }

    @Test func nothingIsKeptAliveThatWasRemoved() throws {
        let table = Table()
        weak var weakConnection: Connection?
        do {
            let connection = Connection()
            weakConnection = connection
            try table.insert(connection, for: id(1))
            _ = table.find(try id(1))
        }
        #expect(weakConnection != nil)
        try table.remove(id(1))
        #expect(weakConnection == nil)
    }

    @Test func theOnlyConnectionIsTheOneThatEveryIDIsOf() throws {
        let table = Table()
        #expect(table.only == nil)
        let connection = Connection()
        try table.insert(connection, for: id(1))
        try table.insert(connection, for: id(2))
        #expect(table.only === connection)
        try table.insert(Connection(), for: id(3))
        #expect(table.only == nil)
        #expect(table.connections.count == 2)
        try table.remove(id(3))
        #expect(table.only === connection)
        try table.remove(id(1))
        try table.remove(id(1))
        #expect(table.only === connection)
        try table.remove(id(2))
        #expect(table.only == nil)
        #expect(table.connections.isEmpty)
    }

    @Test func anIDThatPassesToAnotherConnectionLeavesTheFirst() throws {
        let table = Table()
        let (first, second) = (Connection(), Connection())
        try table.insert(first, for: id(1))
        try table.insert(first, for: id(1))
        #expect(table.only === first)
        try table.insert(second, for: id(1))
        #expect(table.only === second)
    }
}
