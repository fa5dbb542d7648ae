using System.Text;

namespace TwoTower.Fuzz;

/// <summary>One request: what is sent, and the operation that it is for; null where its path or method is of none.</summary>
internal sealed record Request(string Method, string Target, byte[]? Body, string? ContentType,
    IReadOnlyList<(string Name, string Value)> Headers, Operation? Operation)
{
    public string Show() => $"{Method} {(Target.Length > 300 ? Target[..300] + "…" : Target)}"
        + (Body is null ? ""
            : $" [{ContentType}, {Body.Length} bytes] {Encoding.UTF8.GetString(Body.AsSpan(0, Math.Min(Body.Length, 300)))}")
        + string.Concat(Headers.Where(header => header.Name != "Authorization")
            .Select(header => $" {header.Name}: {(header.Value.Length > 80 ? header.Value[..80] + "…" : header.Value)}"));
}

/// <summary>Makes the request of a number: the same seed and number, the same request.</summary>
internal sealed class RequestMaker(Contract contract, Known known, string? operatorKey, int seed)
{
    private static readonly string[] OtherMethods = ["GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE", "PATCH", "TRACE", "PROPFIND"];
    private static readonly string[] MediaTypes =
        ["application/json", "application/json; charset=utf-8", "application/json; charset=utf-16", "text/plain", "application/xml",
            "multipart/form-data; boundary=x", "x", "application/x-tar"];

    private static readonly string[] Others = ["/", "/v1", "/v1/", "/health/live", "/health/ready", "/openapi/v1.json", "/docs", "/docs/",
        "/metrics", "/v1/users", "//v1/decisions", "/%2e%2e/x", "/v1/users/%2F/recommendations"];

    private static readonly string[] Costly =
        ["exportRelease", "importRelease", "verifyRelease", "retireRelease", "pruneReleases", "compareReleases"];

    public Request Make(int number)
    {
        var random = new Random(unchecked(seed * 1_000_003 + number));
        var values = new Values(random, contract, known);
        var operation = contract.Operations[random.Next(contract.Operations.Count)];

        // Those that cost the most, or empty the registry, come seldom.
        if (Costly.Contains(operation.Id) && random.Next(5) > 0)
        {
            operation = contract.Operations[random.Next(contract.Operations.Count)];
        }

        var bent = random.Next(10) switch
        {
            < 4 => Bend.Nothing,
            < 6 => Bend.Parameter,
            < 8 => Bend.Body,
            8 => Bend.Path,
            _ =>
            Bend.Headers
        };
        var path = Path(operation, values, bent, random);
        var query = Query(operation, values, bent, random);
        var method = operation.Method;
        var ofOperation = true;
        if (bent == Bend.Path)
        {
            ofOperation = false;
            if (random.Next(2) == 0) method = OtherMethods[random.Next(OtherMethods.Length)];
            else path = random.Next(2) == 0 ? Others[random.Next(Others.Length)] : path + "/" + Escape(values.Odds());
        }

        var (body, type) = Body(operation, values, bent, random);
        return new(method, path + query, body, type, [.. Headers(operation, bent, random)], ofOperation ? operation : null);
    }

    private static string Path(Operation operation, Values values, Bend bent, Random random)
    {
        var path = operation.Path;
        foreach (var parameter in operation.Parameters.Where(parameter => parameter.InPath))
        {
            var odd = bent == Bend.Parameter && random.Next(2) == 0;
            var text = Escape(odd ? values.Odds() : values.Fitting(parameter.Name, parameter.Schema));
            path = path.Replace($"{{{parameter.Name}}}", text.Length == 0 ? "%20" : text, StringComparison.Ordinal);
        }

        return path;
    }

    private static string Query(Operation operation, Values values, Bend bent, Random random)
    {
        var parts = new List<string>();
        foreach (var parameter in operation.Parameters.Where(parameter => !parameter.InPath && (parameter.Required || random.Next(3) == 0)))
        {
            var isList = parameter.Schema.TryGetProperty("type", out var type) && type.ValueEquals("array");
            for (var i = isList ? random.Next(1, 4) : 1; i > 0; i--)
            {
                var value = bent == Bend.Parameter && random.Next(2) == 0 ? values.Odds()
                    : values.Fitting(parameter.Name, isList ? parameter.Schema.GetProperty("items") : parameter.Schema);
                parts.Add($"{parameter.Name}={Escape(value)}");
            }
        }

        if (bent == Bend.Parameter && random.Next(4) == 0) parts.Add($"{Escape(values.Odds())}={Escape(values.Odds())}");
        if (bent == Bend.Parameter && random.Next(10) == 0) parts.Add("x=%ED%A0%80%FF");
        if (bent == Bend.Parameter && random.Next(40) == 0) parts.Add($"regions={new string('x', random.Next(10_000, 30_000))}");
        return parts.Count == 0 ? "" : "?" + string.Join('&', parts);
    }

    private static (byte[]? Body, string? Type) Body(Operation operation, Values values, Bend bent, Random random)
    {
        if (operation.Body is not { } body) return bent == Bend.Body ? Unwanted(random) : (null, null);
        if (!body.MediaType.EndsWith("json", StringComparison.Ordinal))
        {
            var bytes = new byte[random.Next(3_000)];
            random.NextBytes(bytes);
            return (bytes, body.MediaType);
        }

        if (bent != Bend.Body) return (Bytes(values.Node("", body.Schema)?.ToJsonString() ?? "null"), body.MediaType);
        var text = values.Bent(body.Schema)?.ToJsonString() ?? "null";
        return random.Next(10) switch
        {
            0 => (Bytes(text[..random.Next(text.Length)]), body.MediaType),
            1 => ([.. Bytes(text), 0xff, 0xc0, 0x00], body.MediaType),
            2 => ([0xef, 0xbb, 0xbf, .. Bytes(text)], body.MediaType),
            3 => (Bytes(new string('[', random.Next(1, 10_000))), body.MediaType),
            4 => (Bytes(text), MediaTypes[random.Next(MediaTypes.Length)]),
            5 => (Bytes($"{{\"a\": \"{new string('x', random.Next(10_000, 100_000))}\"}}"), body.MediaType),
            6 => (Bytes(text.Replace("\"", "\"\\ud800", StringComparison.Ordinal)), body.MediaType),
            7 => ([], body.MediaType),
            _ => (Bytes(text), body.MediaType),
        };

        static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);
    }

    // For an operation that takes none.
    private static (byte[] Body, string? Type) Unwanted(Random random) => (
        random.Next(3) switch
        {
            0 => [],
            1 => "{}"u8.ToArray(),
            _ => new byte[random.Next(60_000)],
        },
        random.Next(4) == 0 ? null : MediaTypes[random.Next(MediaTypes.Length)]);

    private IEnumerable<(string, string)> Headers(Operation operation, Bend bent, Random random)
    {
        if (operation.NeedsKey && operatorKey is not null)
        {
            // A wrong key is answered late on purpose.
            var key = random.Next(100) switch { 0 => "Bearer not-the-key-of-anybody", < 4 => null, _ => $"Bearer {operatorKey}" };
            if (key is not null) yield return ("Authorization", key);
        }

        if (random.Next(4) == 0) yield return ("Accept-Encoding", "gzip, br");
        if (bent != Bend.Headers) yield break;
        foreach (var header in new[]
        {
            ("Accept", "text/html;q=x, */*"), ("Range", "bytes=0-1"), ("If-None-Match", "*"), ("Expect", "100-continue"),
            ("X-HTTP-Method-Override", "DELETE"), ("Cookie", "a=b; c"),
            ("Origin", "https://evil.example"), ("Access-Control-Request-Method", "DELETE"), ("traceparent", "00-zz-zz-zz"),
            ("Accept-Language", "xx"), ("Forwarded", "for=evil"),
            ("X-Long", new string('x', random.Next(1, 30_000))),
        }.Where(_ => random.Next(4) == 0))
        {
            yield return header;
        }
    }

    // Half of a surrogate pair goes as the bytes that it would have. A NUL in a path is refused by the server itself, which writes no body.
    private static string Escape(string text) => string.Concat(text.Select(c =>
        char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' or ':' ? c.ToString()
        : c == '\0' ? "%01"
        : string.Concat((c < 0x80 ? [(byte)c] : c < 0x800 ? [(byte)(0xc0 | c >> 6), (byte)(0x80 | c & 0x3f)]
            : new[] { (byte)(0xe0 | c >> 12), (byte)(0x80 | c >> 6 & 0x3f), (byte)(0x80 | c & 0x3f) }).Select(b => $"%{b:X2}"))));

    private enum Bend
    {
        Nothing,
        Parameter,
        Body,
        Path,
        Headers,
    }
}
