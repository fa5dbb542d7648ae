namespace TwoTower.Web.Requests;

/// <summary>Metadata of an endpoint whose body may be larger than others' because of what it is for; its handler sets the bound.</summary>
internal sealed class LargeBody;

/// <summary>Bounds of what a request may bring.</summary>
internal static class BodySize
{
    /// <summary>Bytes of a body.</summary>
    public const int Most = 16 * 1024;

    /// <summary>Characters of a path with its query.</summary>
    public const int MostUrl = 16 * 1024;

    /// <summary>Characters of all headers together.</summary>
    public const int MostHeaders = 16 * 1024;
}
