using Npgsql;
using TwoTower.Core;
using TwoTower.Postgres.Connections;
using TwoTower.Testing;

namespace TwoTower.Postgres.Tests.Connections;

/// <summary>Connection strings as libpq, Prisma, JDBC and hosting providers write them.</summary>
public class ConnectionTextTests(PostgresFixture postgres)
{
    [Theory]
    [InlineData("host=h port=6543 dbname=db user=u password=SECRET")]
    [InlineData("  host = h\nport = 6543 dbname='db' user=u password='SECRET' ")]
    [InlineData("password=SECRET host=h port=6543 dbname=db user=u")]
    [InlineData("postgres://u:SECRET@h:6543/db")]
    [InlineData("postgresql://h:6543/db?user=u&password=SECRET")]
    [InlineData("PostgreSQL://u:SECRET@h:6543/db?keepalives=1")]
    [InlineData("postgresql+asyncpg://u:SECRET@h:6543/db")]
    [InlineData("jdbc:postgresql://h:6543/db?user=u&password=SECRET")]
    [InlineData("Host=h;Port=6543;Database=db;Username=u;Password=SECRET")]
    [InlineData("host=h;port=6543;dbname=db;user=u;password=SECRET;pgbouncer=true;schema=public")]
    public void The_same_server_is_read_from_every_way_of_writing_it(string text)
    {
        var settings = DataSources.Normalize(text);
        Assert.Equal(("h", 6543, "db", "u", "SECRET"),
            (settings.Host, settings.Port, settings.Database, settings.Username, settings.Password));
    }

    [Theory]
    [InlineData("disable", SslMode.Disable)]
    [InlineData("allow", SslMode.Allow)]
    [InlineData("prefer", SslMode.Prefer)]
    [InlineData("require", SslMode.Require)]
    [InlineData("verify-ca", SslMode.VerifyCA)]
    [InlineData("verify-full", SslMode.VerifyFull)]
    [InlineData("VerifyFull", SslMode.VerifyFull)]
    public void Every_sslmode_is_understood_in_every_way_of_writing(string mode, SslMode expected)
    {
        foreach (var text in new[] { $"postgres://u:p@h/db?sslmode={mode}", $"host=h user=u sslmode={mode}", $"Host=h;SSL Mode={mode}",
            $"Host=h;sslmode={mode}" })
        {
            Assert.Equal(expected, DataSources.Normalize(text).SslMode);
        }
    }

    [Fact]
    public void Options_of_libpq_keep_their_meaning()
    {
        var settings = DataSources.Normalize(
            "host=h user=u sslmode=require sslrootcert=/ca.pem connect_timeout=7 application_name='my app' keepalives=1 keepalives_idle=30 keepalives_interval=5 "
            + "options='-c statement_timeout=9s' channel_binding=require");
        Assert.Equal((SslMode.VerifyCA, "/ca.pem", 7, "my app"),
            (settings.SslMode, settings.RootCertificate, settings.Timeout, settings.ApplicationName));
        Assert.Equal((true, 30, 5), (settings.TcpKeepAlive, settings.TcpKeepAliveTime, settings.TcpKeepAliveInterval));
        Assert.Equal(("-c statement_timeout=9s", ChannelBinding.Require), (settings.Options, settings.ChannelBinding));
        Assert.Equal(SslMode.VerifyFull, DataSources.Normalize("postgres://h/db?sslrootcert=system").SslMode);
    }

    [Fact]
    public void Options_of_Prisma_are_understood_and_what_has_no_effect_is_told()
    {
        var notes = new List<string>();
        var settings = DataSources.Normalize(
            "postgresql://u.ref:p@aws.pooler.example:6543/postgres?pgbouncer=true&connection_limit=3&pool_timeout=9&schema=public&statement_cache_size=0", notes);
        Assert.Equal((true, 0, 3), (settings.NoResetOnClose, settings.MaxAutoPrepare, settings.MaxPoolSize));
        Assert.Contains("'pool_timeout'", Assert.Single(notes), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("postgres://u:p@h/db?schema=app", "'schema' with 'app' where public")]
    [InlineData("postgres://u:p@h/db?pgbouncer=perhaps", "'pgbouncer' with 'perhaps' where true or false")]
    [InlineData("postgres://u:p@h/db?sslmode=no-verify", "'no-verify'")]
    [InlineData("postgres://u:p@h/db?sslcrl=/x", "'sslcrl'")]
    [InlineData("postgres://u:p@h/db?sslmod=require", "'sslmod'")]
    [InlineData("host=h user=u service=mine", "'service'")]
    [InlineData("host=a,b user=u port=1,2,3", "2 hosts and 3 ports")]
    [InlineData("Host=h;Port=many", "'many'")]
    [InlineData("mysql://u:p@h/db", "postgres://")]
    public void What_cannot_be_had_is_refused_by_name(string text, string named) =>
        Assert.Contains(named, Assert.Throws<InputException>(() => DataSources.Normalize(text)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("host=h password=SECRET;rest dbname=d nonsense=1")]
    [InlineData("Host=h password=SECRET;Database=d")]
    [InlineData("Database=d user=u password=SECRET;Host=h")]
    [InlineData("Host=h;Username=u password=SECRET")]
    [InlineData("Host=h;Port=5432 password=SECRET")]
    [InlineData("Host=h;Password=a;SECRET=b")]
    [InlineData("Host=h;Password=a;SECRET")]
    [InlineData("host=h password=a SECRET=b")]
    [InlineData("Host=postgres://u:SECRET@h/db")]
    [InlineData("postgres://u:12/SECRET@h/db")]
    [InlineData("postgres://u:12?SECRET=1@h/db")]
    [InlineData("postgres://u:1#SECRET@h/db")]
    [InlineData("postgres://u:SECRET%@h/db")]
    [InlineData("postgres:// u:SECRET")]
    [InlineData("u:SECRET@h:5432/db")]
    public void A_password_is_not_repeated_however_the_string_is_broken(string text)
    {
        var error = Assert.Throws<InputException>(() => DataSources.Normalize(text));
        Assert.DoesNotContain("SECRET", error.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("postgres://u:p@ss@h/db", "p@ss", "h")]
    [InlineData("postgres://u:p%2Fa%23%3F@[::1]/db", "p/a#?", "::1")]
    [InlineData("host=h user=u password='it''s'", null, "h")]
    [InlineData("host=h user=u password='it\\'s a \\\\'", "it's a \\", "h")]
    [InlineData("host=h user=u password=a;b", "a;b", "h")]
    [InlineData("postgres://u:p@%2Fvar%2Frun%2Fpostgresql/db", "p", "/var/run/postgresql")]
    [InlineData("postgres:///db?host=/tmp&user=u&password=p", "p", "/tmp")]
    [InlineData("postgres://u:p@a:1,b:2/db?target_session_attrs=read-write&load_balance_hosts=random", "p", "a:1,b:2")]
    public void Odd_passwords_and_hosts_arrive_whole(string text, string? password, string host)
    {
        if (password is null)
        {
            // libpq too refuses a quote that isn't closed before the next option.
            Assert.Throws<InputException>(() => DataSources.Normalize(text));
            return;
        }

        var settings = DataSources.Normalize(text);
        Assert.Equal((password, host), (settings.Password, settings.Host));
    }

    [Theory]
    [InlineData("twotower: --database host=h password=SECRET no")]
    [InlineData("Pwd='SECRET SECRET'; rest")]
    [InlineData("read postgres://u:SECRET@h:1/db and more")]
    [InlineData("SSL Password=SECRET;Host=h")]
    public void A_text_with_a_password_is_masked(string text) =>
        Assert.DoesNotContain("SECRET", Secrets.Mask(text), StringComparison.Ordinal);

    [Fact]
    public async Task A_server_answers_however_it_is_named()
    {
        var settings = new NpgsqlConnectionStringBuilder(postgres.ServerConnectionString);
        var password = Uri.EscapeDataString(settings.Password ?? "");
        foreach (var text in new[]
        {
            $"postgresql://{settings.Username}:{password}@{settings.Host}:{settings.Port}/{settings.Database}?sslmode=prefer&pgbouncer=true&schema=public&gssencmode=disable",
            $"host={settings.Host} port={settings.Port} dbname={settings.Database} user={settings.Username} password='{settings.Password}' keepalives=1 keepalives_interval=9",
            $"postgresql://{settings.Username}:{password}@{settings.Host}:{settings.Port},{settings.Host}:{settings.Port}/{settings.Database}?target_session_attrs=read-write",
        })
        {
            await using var db = DataSources.Create(text);
            await using var command = db.CreateCommand("select current_database()");
            Assert.Equal(settings.Database, await command.ExecuteScalarAsync());
        }
    }
}
