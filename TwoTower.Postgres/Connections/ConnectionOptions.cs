using System.Globalization;
using System.Text.RegularExpressions;
using Npgsql;
using TwoTower.Core;

namespace TwoTower.Postgres.Connections;

/// <summary>
/// Options of a connection string, put into Npgsql's words. libpq's are understood, and those that Prisma and hosting providers add for
/// other programs. What asks for protection is never left out in silence.
/// </summary>
/// <param name="notes">Takes a line for each option that has no effect here.</param>
internal sealed partial class ConnectionOptions(ICollection<string>? notes)
{
    // libpq's keywords whose values go over as they are.
    private static readonly Dictionary<string, string> Same = new(StringComparer.OrdinalIgnoreCase)
    {
        ["dbname"] = "Database",
        ["user"] = "Username",
        ["password"] = "Password",
        ["passfile"] = "Passfile",
        ["connect_timeout"] = "Timeout",
        ["application_name"] = "Application Name",
        ["options"] = "Options",
        ["channel_binding"] = "Channel Binding",
        ["sslcert"] = "SSL Certificate",
        ["sslkey"] = "SSL Key",
        ["sslpassword"] = "SSL Password",
        ["sslnegotiation"] = "SSL Negotiation",
        ["gssencmode"] = "GSS Encryption Mode",
        ["krbsrvname"] = "Kerberos Service Name",
        ["require_auth"] = "Require Auth",
        ["keepalives_idle"] = "TCP Keepalive Time",
        ["keepalives_interval"] = "TCP Keepalive Interval",
        ["connection_limit"] = "Maximum Pool Size",
    };

    // What they ask for is so anyway, or is another program's.
    private static readonly HashSet<string> Needless = new(StringComparer.OrdinalIgnoreCase)
    {
        "statement_cache_size", "prepareThreshold", "preparedStatementCacheQueries", "sslcompression", "sslsni", "supa", "workaround",
        "fallback_application_name",
    };

    private static readonly HashSet<string> Ineffective = new(StringComparer.OrdinalIgnoreCase)
    {
        "keepalives_count", "tcp_user_timeout", "pool_timeout", "socket_timeout", "gsslib", "gssdelegation", "replication", "hostaddr",
    };

    private static readonly HashSet<string> Treated = new(StringComparer.OrdinalIgnoreCase)
    {
        "host", "port", "sslmode", "sslrootcert", "keepalives", "target_session_attrs", "load_balance_hosts", "client_encoding",
            "pgbouncer",
        "schema", "currentSchema", "ssl", "sslaccept", "service", "servicefile", "sslcrl", "sslcrldir", "ssl_min_protocol_version",
        "ssl_max_protocol_version", "sslcertmode", "requirepeer", "sslidentity",
    };

    private readonly NpgsqlConnectionStringBuilder _settings = new();
    private string[] _hosts = [];
    private string[] _ports = [];
    private string? _sessions;

    /// <summary>True for a keyword of libpq, or of a program that writes its own beside them.</summary>
    public static bool IsLibpq(string key) =>
        Same.ContainsKey(key) || Needless.Contains(key) || Ineffective.Contains(key) || Treated.Contains(key);

    /// <summary>Takes an option.</summary>
    /// <param name="key">Its keyword, libpq's or Npgsql's.</param>
    /// <param name="mayBeNamed">False where the keyword may be a part of a password, and so isn't repeated.</param>
    public void Add(string key, string value, bool mayBeNamed)
    {
        if (!IsLibpq(key) && !_settings.ContainsKey(key))
        {
            throw ConnectionText.Unreadable(mayBeNamed
                ? $"has an option '{Secrets.Mask(key)}', which neither Npgsql nor libpq knows: leave it out"
                : "has an unknown option behind the password: put a password with ';', spaces or '=' in quotes");
        }

        if (!Secrets.IsPassword(key) && Secrets.HoldsPassword(value))
        {
            throw ConnectionText.Unreadable("mixes two ways of writing: its options are separated by ';' or by spaces, not by both");
        }

        if (Same.TryGetValue(key, out var keyword)) Set(keyword, value);
        else if (Ineffective.Contains(key)) notes?.Add($"the connection string's option '{key}' has no effect here");
        else if (!Needless.Contains(key)) Treat(key, value);
    }

    /// <summary>What was taken, as Npgsql's settings.</summary>
    public NpgsqlConnectionStringBuilder Build()
    {
        if (_hosts.Any(host => BadHost().IsMatch(host)) || (_settings.Host is { } named && BadHost().IsMatch(named)))
        {
            throw ConnectionText.Unreadable("has a Host that isn't a host name, an address or a folder of sockets");
        }

        if (_hosts.Length > 1)
        {
            if (_ports.Length > 1
                && _ports.Length != _hosts.Length) throw ConnectionText.Unreadable($"has {_hosts.Length} hosts and {_ports.Length} ports");
            _settings.Host = string.Join(',',
                _hosts.Select((host, at) => _ports.Length > 1 && _ports[at].Length > 0 ? $"{Bracketed(host)}:{_ports[at]}" : host));
            if (_ports.Length == 1) Set("Port", _ports[0]);
            if (_sessions is not null) Set("Target Session Attributes", _sessions);
        }
        else
        {
            if (_hosts.Length == 1) _settings.Host = _hosts[0];
            if (_ports.Length == 1 && _ports[0].Length > 0) Set("Port", _ports[0]);
            else if (_ports.Length > 1) throw ConnectionText.Unreadable($"has one host and {_ports.Length} ports");

            // Npgsql chooses between hosts by it, and there is one.
            if (_sessions is not null and not "any") notes?.Add(
                $"the connection string's option 'target_session_attrs={_sessions}' has no effect with one host");
        }

        // As libpq: whoever names an authority wants it asked.
        if (_settings is { RootCertificate: not null, SslMode: SslMode.Require }) _settings.SslMode = SslMode.VerifyCA;

        // Linux' own default, where only the interval is named: Npgsql wants both.
        if (_settings is { TcpKeepAliveInterval: > 0, TcpKeepAliveTime: 0 }) _settings.TcpKeepAliveTime = 7200;
        return _settings;
    }

    private void Treat(string key, string value)
    {
        switch (key.ToLowerInvariant())
        {
            case "host":
                _settings.Host = value;
                _hosts = value.Split(',', StringSplitOptions.TrimEntries);
                break;
            case "port":
                _ports = value.Split(',', StringSplitOptions.TrimEntries);
                break;
            case "sslmode" or "ssl mode":
                if (!Enum.TryParse<SslMode>(value.Replace("-", "", StringComparison.Ordinal), ignoreCase: true, out var mode)
                    || !Enum.IsDefined(mode))
                {
                    throw Wrong(key, value, "disable, allow, prefer, require, verify-ca or verify-full");
                }

                _settings.SslMode = mode;
                break;
            case "sslrootcert":
                // The system's authorities are what Npgsql asks without a file.
                if (!value.Equals("system", StringComparison.OrdinalIgnoreCase)) Set("Root Certificate", value);
                else if (!_settings.ShouldSerialize("SSL Mode")) _settings.SslMode = SslMode.VerifyFull;
                break;
            case "ssl":
                if (IsTrue(key, value) && !_settings.ShouldSerialize("SSL Mode")) _settings.SslMode = SslMode.Require;
                break;
            case "sslaccept":
                _settings.SslMode = value.ToLowerInvariant() switch
                {
                    "strict" => SslMode.VerifyFull,
                    "accept_invalid_certs" => SslMode.Require,
                    _ => throw Wrong(key, value, "strict or accept_invalid_certs"),
                };
                break;
            case "keepalives":
                _settings.TcpKeepAlive = IsTrue(key, value);
                break;
            case "target_session_attrs":
                _sessions = value;
                break;
            case "load_balance_hosts":
                _settings.LoadBalanceHosts = value.ToLowerInvariant() switch
                {
                    "random" => true,
                    "disable" => false,
                    _ => IsTrue(key, value),
                };
                break;
            case "client_encoding":
                if (value.ToUpperInvariant() is not ("UTF8" or "UTF-8" or "UNICODE" or "AUTO")) throw Wrong(key, value, "UTF8");
                break;
            case "pgbouncer":
                // Statements that a session keeps, and a reset of it, are what a transaction pooler can't do.
                if (IsTrue(key, value)) (_settings.MaxAutoPrepare, _settings.NoResetOnClose) = (0, true);
                break;
            case "schema" or "currentschema":
                if (value is not ("public" or "")) throw Wrong(key, value, "public, where TwoTower's tables are; leave the option out");
                break;
            case "service" or "servicefile":
                throw ConnectionText.Unreadable($"has the option '{key}': service files aren't read. Write out what the service says");
            case "sslcrl" or "sslcrldir" or "ssl_min_protocol_version" or "ssl_max_protocol_version" or "sslcertmode" or "requirepeer"
                or "sslidentity":
                throw ConnectionText.Unreadable(
                    $"has the option '{key}', which isn't known here, and it is there to protect: leave it out if you can do without");
            default:
                Set(key, value);
                break;
        }
    }

    private void Set(string keyword, string value)
    {
        try
        {
            _settings[keyword] = value;
        }
        catch (Exception error) when (error is ArgumentException or FormatException or OverflowException or KeyNotFoundException
            or InvalidCastException)
        {
            // The error may repeat the value, and that may be more than it should be: it isn't passed on.
            throw Wrong(keyword, value, "another value");
        }
    }

    private static bool IsTrue(string key, string value) => value.ToLowerInvariant() switch
    {
        "1" or "true" or "on" or "yes" => true,
        "0" or "false" or "off" or "no" => false,
        _ => throw Wrong(key, value, "true or false"),
    };

    private static InputException Wrong(string key, string value, string expected) =>
        ConnectionText.Unreadable(
            $"has the option '{key}' with {(Harmless().IsMatch(value) ? $"'{value}'" : "a value")} where {expected} was expected");

    private static string Bracketed(string host) =>
        host.Contains(':', StringComparison.Ordinal) ? string.Create(CultureInfo.InvariantCulture, $"[{host}]") : host;

    [GeneratedRegex(@"[\s=@;'""]|://")]
    private static partial Regex BadHost();

    [GeneratedRegex(@"\A[A-Za-z0-9_.-]{1,24}\z")]
    private static partial Regex Harmless();
}
