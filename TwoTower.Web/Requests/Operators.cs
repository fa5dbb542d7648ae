using System.Security.Claims;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Options;
using TwoTower.Web.Settings;

namespace TwoTower.Web.Requests;

/// <summary>Who has which key. Keeps the hashes only.</summary>
internal sealed class Operators(IOptions<ApiOptions> api, IOptions<OperatorOptions> operators)
{
    /// <summary>What the parameter and the fields called actor are.</summary>
    public const string NoActor = "Not kept any more: the actor in the history is the name of the key.";

    private const string Nameless = "operator over HTTP";

    // Hashes are of one length: neither a key's length nor its beginning can be felt out.
    private readonly (string Actor, byte[] Key)[] _keys =
    [
        .. operators.Value.Names.Select(named => ($"operator ({named.Key})", Hash(named.Value))),
        .. api.Value.OperatorKey is { Length: > 0 } key ? [(Nameless, Hash(key))] : Array.Empty<(string, byte[])>(),
    ];

    /// <summary>False: the operators' paths aren't there.</summary>
    public bool Any => _keys.Length > 0;

    /// <summary>Whose key it is, in as much time whichever it is; null: nobody's.</summary>
    public ClaimsPrincipal? Find(string key)
    {
        var given = Hash(key);
        string? found = null;
        foreach (var (actor, hash) in _keys)
        {
            if (CryptographicOperations.FixedTimeEquals(given, hash)) found = actor;
        }

        return found is null ? null : new(new ClaimsIdentity([new(ClaimTypes.Name, found)], "operator key"));
    }

    /// <summary>What the history says of who did something: the key's name, nothing that a request says.</summary>
    public static string Actor(ClaimsPrincipal user) => user.Identity?.Name ?? Nameless;

    private static byte[] Hash(string key) => SHA256.HashData(Encoding.UTF8.GetBytes(key));
}
