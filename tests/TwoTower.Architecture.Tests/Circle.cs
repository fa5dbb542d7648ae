#pragma warning disable IDE0130 // Two namespaces in one file: the circle that the check must find.
namespace TwoTower.Architecture.Tests.Circle.Lower
{
    internal static class Called
    {
        public static string Name() => nameof(Called);

        public static string Back() => Upper.Caller.Name();
    }
}

namespace TwoTower.Architecture.Tests.Circle.Upper
{
    internal static class Caller
    {
        public static string Name() => Lower.Called.Name();
    }
}
